"""The expected mix: how common each expression is where the faces come from.

What a network says of a face is weighed with it (Bayes' theorem), so the same face may be read as fear where
fear is as common as anything else, and as surprise where it is rare. Source: Saerens, Latinne & Decaestecker
(2002), Adjusting the outputs of a classifier to new a priori probabilities, Neural Computation 14(1), 21-41.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from mien.errors import ConfigError
from mien.labels import EMOTIONS, FER2013, standard_label
from mien.textfile import read_text
from mien.wording import reason

Floats = NDArray[np.float64]
Share = Annotated[float, Field(ge=0, le=1)]

_OFF_BY: Final = 0.015
"""Shares are written down rounded, so their sum may be off by this much."""
_LARGEST_FILE: Final = 100_000


class Mix(BaseModel):
    """How common each of the eight expressions is; frozen, and checked when it is made.

    A label that is left out is 0: it is never given. The shares must sum to 1, but for rounding, and are
    divided by their sum.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    neutral: Share = 0.0
    happiness: Share = 0.0
    surprise: Share = 0.0
    sadness: Share = 0.0
    anger: Share = 0.0
    disgust: Share = 0.0
    fear: Share = 0.0
    contempt: Share = 0.0

    @model_validator(mode="before")
    @classmethod
    def _divided_by_sum(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            raise ValueError(f"expected a share for each of {', '.join(EMOTIONS)}")
        named: dict[str, Any] = {}
        for name, share in given.items():
            label = standard_label(str(name))
            if label in named or label not in EMOTIONS:
                raise ValueError(
                    f"expected shares by label, each once, of {', '.join(EMOTIONS)}; received {name}"
                )
            if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
                raise ValueError(f"expected a share of {name} from 0 to 1, received {share!r}")
            named[label] = float(share)
        total = sum(named.values())
        if abs(total - 1) > _OFF_BY:
            raise ValueError(f"expected shares that sum to 1, received {total:.4g}")
        if sum(share > 0 for share in named.values()) < 2:
            raise ValueError("expected at least two labels with a share above 0")
        # What was divided already stays as it is to the last bit, on its way through JSON too.
        return {label: share / total for label, share in named.items()} if abs(total - 1) > 1e-9 else named

    @classmethod
    def of(cls, shares: Floats) -> Mix:
        """Make one of eight numbers in the order of `labels.EMOTIONS`."""
        return cls(**dict(zip(EMOTIONS, np.asarray(shares, np.float64).tolist(), strict=True)))

    def array(self) -> Floats:
        """Return the eight shares in the order of `labels.EMOTIONS`."""
        return np.array([getattr(self, label) for label in EMOTIONS])


Named = Literal["balanced", "photographs"]
NAMES: Final[tuple[Named, ...]] = ("balanced", "photographs")

BALANCED: Final = Mix.of(np.full(len(EMOTIONS), 1 / len(EMOTIONS)))
"""All eight alike: nothing is known of where the faces come from."""

FERPLUS_MIX: Final = Mix(
    neutral=0.3230, happiness=0.2663, surprise=0.1162, sadness=0.1431,
    anger=0.0837, disgust=0.0158, fear=0.0335, contempt=0.0184,
)  # fmt: skip
"""The votes of ten people for FER-2013's photographs, found by a search for words of emotion (FER+)."""

FER2013_MIX: Final = Mix(
    anger=3995 / 28709, disgust=436 / 28709, fear=4097 / 28709, happiness=7215 / 28709,
    sadness=4830 / 28709, surprise=3171 / 28709, neutral=4965 / 28709,
)  # fmt: skip
"""FER-2013's own labels in its Training part (Goodfellow et al. 2013)."""

TRAINED_MIX: Final = MappingProxyType({frozenset(FER2013): FER2013_MIX, frozenset(EMOTIONS): FERPLUS_MIX})
"""The mix that a network with these labels is taken to have learnt, where its sidecar does not say."""


def read_mix(path: Path) -> Mix:
    """Read a mix from a file of shares by label: JSON where its name ends in .json, else TOML.

    Raises:
        ConfigError: it can't be read, or holds no such shares; says which and why.
    """
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise ConfigError(f"{path}: too large for a file of eight shares")
        text = read_text(path)
        given = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
        return Mix.model_validate(given)
    except OSError as error:
        raise ConfigError(
            f"{path}: expected {', '.join(NAMES)}, or a file of shares by label ({reason(error)})"
        ) from error
    except ValidationError as error:
        raise ConfigError(f"{path}: {plain(error)}") from error
    except ValueError as error:
        kind = "JSON" if path.suffix.lower() == ".json" else "TOML"
        raise ConfigError(f"{path} is not valid {kind}: {error}") from error


def plain(error: ValidationError) -> str:
    """Return the first fault that pydantic found, without its own wrapping."""
    return str(error.errors()[0]["msg"]).removeprefix("Value error, ")


def write_mix(mix: Mix) -> str:
    """Return a mix as TOML, as `read_mix` takes it."""
    return "".join(f"{label} = {getattr(mix, label):.6f}\n" for label in EMOTIONS)


def as_prior(value: Any) -> Any:
    """Read what somebody chose: a name, a mix or its shares by label, or the path of a file of shares.

    Raises:
        ValueError: it is none of these; says why.
    """
    if isinstance(value, Mix) or value in NAMES:
        return value
    try:
        return Mix.model_validate(value) if isinstance(value, dict) else read_mix(Path(value))
    except ValidationError as error:
        raise ValueError(plain(error)) from error
    except (ConfigError, TypeError) as error:
        raise ValueError(str(error)) from error


Prior = Annotated[Named | Mix, BeforeValidator(as_prior)]
"""A name, or a mix of one's own; a path is read, so that settings hold the shares and not a file's name."""
