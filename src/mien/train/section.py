"""What recipes of all kinds have in common; and their sections: `[data]`, `[network]`, `[fit]` and more."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """A section of a recipe: frozen, and every name in it is known."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AnyRecipe(Section):
    """What every recipe has, whatever it learns from.

    Attributes:
        kind: what is trained.
        name: of the network, and of the run's folder.
        description: one line for people.
        seed: of all chance, also of a cut into parts.
    """

    kind: str
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    description: str = ""
    seed: int = Field(0, ge=0)
