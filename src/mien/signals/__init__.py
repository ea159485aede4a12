"""Signals of the body."""
