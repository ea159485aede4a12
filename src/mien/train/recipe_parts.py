"""What recipes of every kind have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from mien.train.data.cleaning import NEAR_COPY
from mien.train.data.splits import SplitName

Share = Annotated[float, Field(ge=0, le=1)]


class RecipePart(BaseModel):
    """A part of a recipe: frozen, and every name in it is known."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DataPart(RecipePart):
    """Which faces.

    Attributes:
        size_px: side of the grey images that the network takes.
        remove: classes that are left out, by name.
        split: `official`, `grouped` or `random`; see `splits.make_split`.
        test_share: share of the test part where the split is not the data's own.
        near_copy: correlation above which two faces count as copies.
    """

    size_px: int = Field(48, ge=24, le=256)
    remove: tuple[str, ...] = ()
    split: SplitName = "official"
    test_share: float = Field(0.25, gt=0, lt=1)
    near_copy: float = Field(NEAR_COPY, gt=0, le=1)
