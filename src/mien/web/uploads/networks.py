"""What a visitor may choose: a network that comes with Mien and a named mix, or the server's own."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final

from fastapi import Depends, HTTPException, Query

from mien.config import Settings
from mien.expression.network import built_in_networks
from mien.prior import Named

IN_FIVE_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "mien": "most accurate, for everyday use",
        "paper": "the paper's, seven expressions only",
        "zhou": "very small, but less accurate",
        "shcnn": "three layers, for comparison only",
        "edges": "edge filters, for comparison only",
    }
)
"""What the networks that come with Mien are, for who chooses one in a menu; About has their cards."""


def _wanted(
    network: Annotated[
        str | None,
        Query(max_length=200, description="A network that comes with Mien; by default the server's own."),
    ] = None,
) -> str | None:
    # A path would let strangers look about on the server's disk.
    if network is not None and network not in built_in_networks():
        raise HTTPException(400, f"no network of that name here; there are {', '.join(built_in_networks())}")
    return network


Network = Annotated[str | None, Depends(_wanted)]
"""A request's choice, which is checked; None for the server's own."""


Expected = Annotated[
    Named | None,
    Query(
        alias="prior",
        description="How common each expression is expected to be; by default the server's own.",
    ),
]
"""A request's mix; None for the server's own."""


def reading_with(settings: Settings, network: str | None, prior: Named | None = None) -> Settings:
    """Return settings with another network or mix; None leaves them."""
    chosen = {"network": network, "prior": prior}
    return settings.model_copy(update={name: value for name, value in chosen.items() if value is not None})
