"""Photographs, folders and videos analysed as a batch: a table, a summary, and a picture per video."""
