"""Trained model in, deployable file out, with the proof that it is as good."""
