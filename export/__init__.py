"""Writes trained models in formats for deployment, and verifies and times them."""
