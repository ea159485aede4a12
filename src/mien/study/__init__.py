"""Experiments: epochs of a measure around stimuli, and conditions and groups of people compared."""
