"""Text to token ids: the tokenizer, its vocabulary, its twin inside the graph, padded batches."""
