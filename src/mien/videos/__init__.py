"""Whole videos: what reads one from its start to its end, or many."""
