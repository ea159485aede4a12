"""How two sets of readings agree: Mien's, another tool's, or a person's labels."""
