"""Networks that can be trained: one architecture a file."""
