"""Places with many people: counted as groups, and nobody by themselves."""
