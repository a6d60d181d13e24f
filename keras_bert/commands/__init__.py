"""One file a verb of the command line, thin: parse, call, print."""
