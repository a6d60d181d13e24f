"""The right one of several answers or continuations."""
