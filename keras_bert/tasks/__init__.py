"""One file a kind of task: how it reads a file, makes features, decodes logits and scores."""
