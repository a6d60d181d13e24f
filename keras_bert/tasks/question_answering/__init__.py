"""The answer to a question as a piece of a passage."""
