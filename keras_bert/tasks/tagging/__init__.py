"""A tag for each word: parts of speech, named entities."""
