"""How expression goes over time: pure functions and small streaming statistics."""
