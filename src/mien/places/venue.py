"""A visit to a venue's station, as it lives in memory."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Visit:
    """One visit; it lives in memory until its cell is closed, and is never written, sent or logged.

    Attributes:
        start_s, end_s: by the source's clock.
        evidence: (labels,) mean of the calibrated probabilities.
        sizes: weights by face size, in the order of the calibration's sizes; they sum to 1.
        valence: mean over the visit, -1 to 1.
        change: valence of its last two seconds less that of its first two (halves, where it is shorter).
        smiled: whether there was a smile.
    """

    start_s: float
    end_s: float
    evidence: tuple[float, ...]
    sizes: tuple[float, ...]
    valence: float
    change: float
    smiled: bool

    @property
    def length_s(self) -> float:
        """How long it was, seconds."""
        return self.end_s - self.start_s
