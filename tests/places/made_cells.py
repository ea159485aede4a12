"""Cells of a venue with chosen figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from mien.store.venue_types import LENGTHS_S, AnswerCell, VisitCell

MONDAY = datetime(2026, 5, 4, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
NETWORK = "made"


def cell(
    start: datetime = MONDAY, *, visits: int = 10, quarters: int = 1, seed: int = 0, **chosen: Any
) -> VisitCell:
    """Make a cell of visits that are drawn at random, with some of its sums chosen."""
    random = np.random.default_rng(seed)
    evidence = random.dirichlet(np.ones(7), visits)
    valence, change = random.uniform(-0.5, 0.8, visits), random.uniform(-0.4, 0.5, visits)
    length_s = random.uniform(2, 400, visits)
    sums: dict[str, Any] = {
        "evidence": tuple(evidence.sum(axis=0).tolist()),
        "products": tuple(map(tuple, (evidence.T @ evidence).tolist())),
        "sizes": (0.0, 0.0, 0.0, 0.0, float(visits)),
        "valence": float(valence.sum()),
        "valence_squares": float((valence**2).sum()),
        "change": float(change.sum()),
        "change_squares": float((change**2).sum()),
        "smiles": int((random.random(visits) < 0.4).sum()),
        "lengths": tuple(np.histogram(length_s, [*LENGTHS_S, np.inf])[0].tolist()),
        "length_s": float(length_s.sum()),
        "open_s": 900.0 * quarters,
        "blind_s": 0.0,
        "network": NETWORK,
    }
    return VisitCell(
        "corner", chosen.pop("station", "till"), start, start + quarters * QUARTER, visits, **(sums | chosen)
    )


def day_cell(
    day: int, *, hour: int = 12, visits: int = 100, valence: float = 0.0, **chosen: Any
) -> VisitCell:
    """Make the only cell of a day, counted from a Monday, with a mean valence."""
    start = MONDAY + timedelta(days=day, hours=hour)
    return cell(
        start,
        visits=visits,
        quarters=4,
        valence=valence * visits,
        valence_squares=visits * (valence**2 + 0.1),
        **chosen,
    )


def answers(start: datetime, counts: tuple[int, ...], quarters: int = 4) -> AnswerCell:
    """Make a cell of answers."""
    return AnswerCell("corner", "till", start, start + quarters * QUARTER, counts)
