"""A recipe of `kind = "micro"`: which kind of micro-expression a difference picture shows."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from mien.train.networks.shcnn import Shcnn
from mien.train.section import AnyRecipe, Section

MicroClass = Literal["negative", "positive", "surprise"]
MICRO_CLASSES: Final[tuple[MicroClass, ...]] = ("negative", "positive", "surprise")
"""The classes of the Micro-Expression Grand Challenge 2019, in the order of the network's logits."""


class MicroData(Section):
    """What the network sees.

    Attributes:
        size_px: side of the difference picture.
        gain: grey levels for each that changes.
        classes: of labels that are no words for emotions, by label.
    """

    size_px: int = Field(48, ge=16, le=128)
    gain: float = Field(4.0, gt=0)
    classes: dict[str, MicroClass] = Field({})


class MicroFit(Section):
    """How it learns, once for each person who is left out.

    Attributes:
        epochs: how many; the last one counts, as nobody is left to choose one by.
        batch: pictures a step.
        learning_rate: the highest; it falls along a cosine to 0.
        weight_decay: of AdamW.
        shift_px: pictures are moved by up to so many pixels; half of them are mirrored.
    """

    epochs: int = Field(30, ge=1)
    batch: int = Field(32, ge=2)
    learning_rate: float = Field(1e-3, gt=0)
    weight_decay: float = Field(1e-3, ge=0)
    shift_px: int = Field(2, ge=0, le=8)


class MicroRecipe(AnyRecipe):
    """A whole run on micro-expressions.

    Attributes:
        data: what is seen.
        network: which network.
        fit: how it learns.
    """

    kind: Literal["micro"] = "micro"
    data: MicroData = MicroData()
    network: Shcnn = Shcnn()
    fit: MicroFit = MicroFit()
