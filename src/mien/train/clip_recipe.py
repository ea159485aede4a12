"""A recipe of `kind = "clips"`: what is learnt of whole clips; the third kind beside those of `recipe.py`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SerializeAsAny

from mien.train.networks import network_spec
from mien.train.networks.happy_video import HappyVideo
from mien.train.networks.spec import ClipSpec
from mien.train.section import AnyRecipe, Section, Share


class ClipData(Section):
    """Which clips, and what the network sees of them.

    Attributes:
        label: the category that the network tells from all others.
        frames: of a clip, evenly over what was read of it.
        frames_per_second: that clips are read with.
        validation, test: shares of the people, where the table has no `split`.
    """

    label: str = "happiness"
    frames: int = Field(16, ge=2, le=256)
    frames_per_second: float = Field(10.0, gt=0)
    validation: Share = 0.2
    test: Share = 0.2


class ClipFit(Section):
    """How it learns.

    Attributes:
        epochs: at most this many.
        minutes: after which it ends; None leaves it to `epochs`.
        batch: clips a step.
        learning_rate: the highest; it falls along a cosine to 0.
        weight_decay: of AdamW.
        patience: stop when the validation loss has not fallen for this many epochs; the best one is kept.
    """

    epochs: int = Field(40, ge=1)
    minutes: float | None = Field(None, gt=0)
    batch: int = Field(16, ge=2)
    learning_rate: float = Field(2e-3, gt=0)
    weight_decay: float = Field(1e-3, ge=0)
    patience: int | None = Field(12, ge=1)


class ClipRecipe(AnyRecipe):
    """A whole training run on clips.

    Attributes:
        data: which clips.
        network: which network.
        answer: the answer that counts, out of the network's.
        fit: how it learns.
    """

    kind: Literal["clips"] = "clips"
    data: ClipData = ClipData()
    network: Annotated[
        SerializeAsAny[ClipSpec], BeforeValidator(lambda fields: network_spec(fields, "clips"))
    ] = HappyVideo()
    answer: str = "features"
    fit: ClipFit = ClipFit()

    def build(self, *, distances: int, size_px: int, layout: str) -> Any:
        """Build the network, with weights from chance; see `ClipSpec.build`."""
        return self.network.build(
            frames=self.data.frames, size_px=size_px, distances=distances, classes=2, layout=layout
        )
