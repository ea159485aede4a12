"""A recipe of `kind = "sentiment"`: a network that reads whole clips by attention in time."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from mien.train.networks.sentiment import Sentiment, SentimentFit
from mien.train.section import AnyRecipe, Section, Share
from mien.videos.sentiment_network import InputKind, Polarity


class SentimentData(Section):
    """Which clips, and what is seen of their frames.

    Attributes:
        input: what the network sees of a frame: `expression`, what the network `mien` says of the largest
            face; `face`, the largest face itself, by SCEP's attention; `scene`, the whole frame, by the same.
        size_px: side of the picture, for `face` and `scene`.
        frames_per_second: how many frames of a second are looked at.
        polarity: of labels that are no words for emotions: negative, neutral or positive, by label.
        validation: share of the people, where the table has no `split`.
        test: likewise.
    """

    input: InputKind = "expression"
    size_px: int = Field(48, ge=16, le=224)
    frames_per_second: float = Field(5.0, gt=0, le=30)
    polarity: dict[str, Polarity] = Field({})
    validation: Share = 0.2
    test: Share = 0.2


class SentimentRecipe(AnyRecipe):
    """A whole training run on clips.

    Attributes:
        data: which clips.
        network: how seconds are weighed.
        fit: how it learns.
    """

    kind: Literal["sentiment"] = "sentiment"
    data: SentimentData = SentimentData()
    network: Sentiment = Sentiment()
    fit: SentimentFit = SentimentFit()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.network.pool != "attention":
            raise ValueError(
                "expected pool = attention: the others are for comparison, and can't be exported"
            )
        return self
