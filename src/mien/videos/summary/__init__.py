"""Summaries of a film that expression guides: read it, choose moments, write them as a film of their own."""
