"""Which network a visitor may ask for: one that comes with Mien, by its name, or the server's own."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, HTTPException, Query

from mien.config import Settings
from mien.expression.network import built_in_networks


def _wanted(
    network: Annotated[str | None, Query(description="One that comes with Mien; the server's own.")] = None,
) -> str | None:
    # A path would let strangers look about on the server's disk.
    if network is not None and network not in built_in_networks():
        raise HTTPException(400, f"no network of that name here; there are {', '.join(built_in_networks())}")
    return network


Network = Annotated[str | None, Depends(_wanted)]
"""A request's choice, which is checked; None for the server's own."""


def reading_with(settings: Settings, network: str | None) -> Settings:
    """Give settings with another network; None leaves them."""
    return settings if network is None else settings.model_copy(update={"network": network})
