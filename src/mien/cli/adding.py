"""A group whose commonest command needs no name: `mien note P-017 "text"` is `mien note add P-017 "text"`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup


class AddsByDefault(TyperGroup):
    """A group of commands that takes what begins with none of their names as the arguments of `add`.

    A subject whose code is one of those names needs the long form.
    """

    def parse_args(self, ctx: Any, args: Sequence[str]) -> list[str]:
        """Put `add` before the arguments where no command stands there."""
        given = list(args)
        if given and given[0] not in (*self.commands, *ctx.help_option_names):
            given.insert(0, "add")
        parsed: list[str] = super().parse_args(ctx, given)
        return parsed


def group(help: str) -> typer.Typer:
    """Make such a group, to which commands are added."""
    return typer.Typer(cls=AddsByDefault, help=help)
