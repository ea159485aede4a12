"""Recordings of two groups of people: how well their measures separate them, and what could fool you."""
