"""What the sections of a recipe have in common: `[data]`, `[network]`, `[fit]`, `[augment]`."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """A section of a recipe: frozen, and every name in it is known."""

    model_config = ConfigDict(frozen=True, extra="forbid")
