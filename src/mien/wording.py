"""How many, in plain words: 1 minute, 2 minutes."""

from __future__ import annotations


def count(many: int, thing: str, things: str = "") -> str:
    """Write how many: 1 day, 2 days, 1,200 days.

    Args:
        many: the number.
        thing: its noun for one.
        things: its noun for several, where that is not the first with an "s".
    """
    return f"{many:,} {thing if many == 1 else things or f'{thing}s'}"
