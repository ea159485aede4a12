"""Training on whole clips."""
