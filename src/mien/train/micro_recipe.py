"""A recipe of `kind = "micro"`: which kind of micro-expression a difference picture shows."""

from __future__ import annotations

from typing import Final, Literal, Self

from pydantic import Field

from mien.train.networks.shcnn import Shcnn
from mien.train.section import Section

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


class MicroRecipe(Section):
    """A whole run on micro-expressions.

    Attributes:
        name: of the network, and of the run's folder.
        description: one line for people.
        seed: of all chance.
        data: what is seen.
        network: which network.
        fit: how it learns.
    """

    kind: Literal["micro"] = "micro"
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    description: str = ""
    seed: int = Field(0, ge=0)
    data: MicroData = MicroData()
    network: Shcnn = Shcnn()
    fit: MicroFit = MicroFit()

    def changed(self, epochs: int | None, seed: int | None) -> Self:
        """Return the recipe with other epochs or another seed; None leaves them."""
        fit = self.fit if epochs is None else self.fit.model_copy(update={"epochs": epochs})
        return self.model_copy(update={"fit": fit, "seed": self.seed if seed is None else seed})
