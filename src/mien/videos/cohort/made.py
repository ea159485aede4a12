"""A made-up cohort whose truth is known, to learn on and to test with."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.stats import norm

from mien.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

_EFFECTS: Final = {"happiness_mean": 0.8, "brow_lowerer_max": -0.6, "expressivity": 0.5}
"""How far those with the label lie from the others, in standard deviations, at strength 1."""
_OTHERS: Final = (
    "happiness_max", "valence_mean", "valence_sd", "arousal_mean", "smiles_per_min", "entropy", "inertia",
    "head_movement", "share_sadness",
)  # fmt: skip
_MIDDLES: Final = {
    "happiness_mean": (0.2, 0.08), "happiness_max": (0.7, 0.15), "brow_lowerer_max": (0.3, 0.08),
    "expressivity": (0.35, 0.08), "smiles_per_min": (2.0, 0.7), "head_movement": (6.0, 2.0),
}  # fmt: skip
_SHARED: Final = 0.3
_WITHIN: Final = 0.3


@dataclass(frozen=True, slots=True)
class MadeCohort:
    """A cohort that nobody was part of.

    Attributes:
        table: a row for each recording.
        truth: the planted differences, and the best area under the curve that can be had of a person.
    """

    table: pd.DataFrame
    truth: dict[str, Any]


def make_cohort(
    people: int = 200, *, seed: int = 0, strength: float = 1.0, site_effect: float = 0.0, most: int = 3
) -> MadeCohort:
    """Draw people with and without remission, each with one to several recordings.

    Args:
        people: how many.
        seed: another seed draws other people.
        strength: of the planted differences; 0 plants none.
        site_effect: 0 to 1: how far the site tells the label, and moves every measure; 0 not at all.
        most: recordings of a person.

    Raises:
        ConfigError: a number can't be.
    """
    import pandas as pd

    if people < 4 or strength < 0 or not 0 <= site_effect <= 1 or most < 1:
        raise ConfigError(
            "expected at least 4 people, a strength of at least 0, a site effect from 0 to 1 and at least 1"
            f" recording, received {people}, {strength:g}, {site_effect:g}, {most}"
        )
    random = np.random.default_rng(seed)
    names = [*_EFFECTS, *_OTHERS]
    remission = random.permutation(people) < round(0.4 * people)
    covariance = np.full((len(names), len(names)), _SHARED) + (1 - _SHARED) * np.eye(len(names))
    shift = strength * np.array([_EFFECTS.get(each, 0.0) for each in names])
    own = random.multivariate_normal(np.zeros(len(names)), covariance, people) + np.outer(remission, shift)
    telling = random.random(people) < site_effect
    site = np.where(telling, remission, random.random(people) < 0.5).astype(int)
    own = own + 1.5 * site_effect * (site[:, None] - 0.5)
    whose = np.repeat(np.arange(people), random.integers(1, most + 1, people))
    values = own[whose] + _WITHIN * random.normal(size=(len(whose), len(names)))
    table = pd.DataFrame(
        {
            "subject": [f"SIM-{each + 1:04}" for each in whose],
            "remission": np.where(remission[whose], "yes", "no"),
            "site": np.where(site[whose] == 1, "north", "south"),
            "age": np.clip(np.round(random.normal(45, 13, people)), 18, 80)[whose],
            "length_s": np.round(random.uniform(300, 900, len(whose))),
            "simulated": 1,
        }
    )
    for place, name in enumerate(names):
        middle, spread = _MIDDLES.get(name, (0.0, 0.2))
        table[name] = np.round(middle + spread * values[:, place], 4)
    distance = float(np.sqrt(shift @ np.linalg.solve(covariance, shift)))
    truth = {
        "people": people, "recordings": len(table), "seed": seed, "strength": strength,
        "site_effect": site_effect, "differences_sd": dict(zip(names, shift.tolist(), strict=True)),
        "best_area": float(norm.cdf(distance / math.sqrt(2))),
    }  # fmt: skip
    return MadeCohort(table, truth)


def truth_text(made: MadeCohort) -> str:
    """Return the truth as JSON."""
    return json.dumps(made.truth, indent=2) + "\n"
