"""The command line: one short file for each verb, which parses, calls and prints."""
