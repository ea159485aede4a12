"""A person's own rest while the samples come, and their arousal against it; over all sensors they wear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final, Literal

from mien.moments import utc
from mien.signals.arousal import LEAST_WINDOWS, PARTS, Arousal, arousal, knows_needed, parts_of
from mien.signals.types import Figure

Window = tuple[float, float]
Parts = dict[str, float | None]

_RECENT: Final = 3
"""Windows for which figures of other sensors may still come."""
_TOLERANCE_S: Final = 1e-3


@dataclass(frozen=True, slots=True)
class RestStatus:
    """What arousal is measured against.

    Attributes:
        by: "opening" is the first five windows with pulse and skin; "given" seconds that somebody chose
            beforehand; "marked" five windows from when somebody said that the person rests.
        windows: known so far.
        known: whether it is complete.
        said: the same in words.
    """

    by: Literal["opening", "given", "marked"]
    windows: int
    known: bool
    said: str


class OwnRest:
    """Collects windows of a person's rest, and compares later ones with it; safe from any thread.

    Windows of rest don't overlap, as in a file's table. All sensors are taken as worn by one person: of each
    measure the one of the best quality counts.

    Args:
        span_s: when the person rests, in seconds from the first sample of any sensor; None takes the opening.
    """

    def __init__(self, span_s: tuple[float, float] | None = None) -> None:
        self._lock = Lock()
        self._by: Literal["opening", "given", "marked"] = "opening" if span_s is None else "given"
        self._span_s = span_s
        self._since: dict[str, float] = {}
        self._recent: dict[Window, dict[str, tuple[Figure, ...]]] = {}
        self._collecting: list[tuple[Window, Parts]] = []
        self._rest: list[tuple[Window, Parts]] = []
        self._marked_s: float | None = None

    def mark(self, at_s: float) -> None:
        """Let the person's rest begin now: the next five windows become what arousal is measured against.

        Args:
            at_s: POSIX seconds.
        """
        with self._lock:
            self._by, self._marked_s = "marked", at_s
            self._collecting, self._rest = [], []

    def take(self, source: str, found: Sequence[Figure], since_s: float) -> Arousal | None:
        """Take a sensor's figures of its newest window.

        Args:
            source: the sensor's name.
            found: its figures, all of one window.
            since_s: POSIX seconds of its first sample.

        Returns:
            Arousal in that window by all sensors; in the one before, where another sensor's figures of this
            one are still to come. None where this sensor tells nothing of it, rate or skin are not known, or
            the rest isn't.
        """
        known = tuple(each for each in found if each.measure in PARTS)
        if not known:
            return None
        window = known[0].start_s, known[0].end_s
        with self._lock:
            self._since.setdefault(source, since_s)
            if window not in self._recent:
                self._turn_to(window)
            if window not in self._recent:  # too late
                return None
            self._recent[window][source] = known
            return self._judged(window)

    def status(self) -> RestStatus:
        """Return what arousal is measured against."""
        with self._lock:
            windows, known = len(self._rest or self._collecting), bool(self._rest)
            return RestStatus(self._by, windows, known, self._words())

    def _turn_to(self, window: Window) -> None:
        """Begin a window: figures of the one before are complete."""
        if self._recent:
            newest = max(self._recent)
            if window < newest:  # a sensor that is late, or a clock that was set back
                if window[0] < newest[0] - _RECENT * (newest[1] - newest[0]):
                    self._recent = {}
            elif not self._rest:
                self._collect(newest)
        self._recent[window] = {}
        while len(self._recent) > _RECENT:
            del self._recent[min(self._recent)]

    def _collect(self, window: Window) -> None:
        """Take a complete window into the rest, if it belongs there."""
        start, end = self._bounds()
        if self._collecting:
            start = max(start, self._collecting[-1][0][1])
        parts = self._parts(window)
        needed = knows_needed(parts)
        if start - _TOLERANCE_S <= window[0] and window[1] <= end + _TOLERANCE_S and needed:
            self._collecting.append((window, parts))
        enough = len(self._collecting) >= LEAST_WINDOWS
        if enough and (self._by != "given" or window[1] >= end - _TOLERANCE_S):
            self._rest, self._collecting = self._collecting, []

    def _bounds(self) -> tuple[float, float]:
        """Return between which times the windows of rest lie."""
        if self._by == "given" and self._span_s is not None:
            begin = min(self._since.values())
            return begin + self._span_s[0], begin + self._span_s[1]
        if self._by == "marked" and self._marked_s is not None:
            return self._marked_s, float("inf")
        return max(self._since.values()), float("inf")

    def _parts(self, window: Window) -> Parts:
        merged = [each for figures in self._recent[window].values() for each in figures]
        return parts_of(merged)[window] if merged else dict.fromkeys(PARTS)

    def _judged(self, window: Window) -> Arousal | None:
        if not self._rest:
            return None
        before = max((each for each in self._recent if each < window), default=None)
        if before is not None and set(self._recent[before]) - set(self._recent[window]):
            window = before
        rest = [parts for _, parts in self._rest]
        return arousal([*rest, self._parts(window)], [True] * len(rest) + [False])[-1]

    def _words(self) -> str:
        if self._rest:
            first, last = self._rest[0][0][0], self._rest[-1][0][1]
            when = f"from {utc(first)[11:19]} to {utc(last)[11:19]} UTC"
            return {
                "opening": f"against the first five minutes with pulse and skin, {when}",
                "given": f"against the rest that was given, {when}",
                "marked": f"against the rest that was marked, {when}",
            }[self._by]
        of = {
            "opening": "the opening",
            "given": "the rest that was given",
            "marked": f"the rest since {utc(self._marked_s or 0)[11:19]} UTC",
        }[self._by]
        known = f"{len(self._collecting)} of {LEAST_WINDOWS} minutes with pulse and skin are known"
        return f"not known yet: against {of}, of which {known}"
