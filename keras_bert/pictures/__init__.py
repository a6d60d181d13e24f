"""Pictures and pages of results, for people. matplotlib is imported where something is drawn."""
