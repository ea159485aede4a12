"""Photographs and videos from outside: taken in, decoded in a process of their own, shown, deleted."""
