"""Optimizer, schedule, precision, batches, resume, and the fit call."""
