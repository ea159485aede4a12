"""Live sources: several at once, each in a thread of its own, with one shared network and a watchdog."""
