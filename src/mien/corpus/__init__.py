"""Corpora: thousands of inputs read by many workers into Parquet, each input exactly once."""
