"""Visits to a station: who stands in its zone long enough, one by one, in memory, and never known again.

A visit is one face that stays in the zone; where the tracker lost it for a moment, it is joined by place,
size and time alone. While a visit lasts, sums of it are kept; when it has ended, it is a `Visit`, which its
cell takes up. Nothing here is written, sent or logged.

Whether somebody smiled is told by the change within the visit. Mild smiles pass for neutral faces where the
person's own calm face isn't known; somebody at a till shows theirs before or after (see docs/venues.md).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.places.group import READ_FROM_PX, sizes_px
from mien.places.quantification import Quantifier
from mien.places.venue import Visit
from mien.places.zones import Zones
from mien.store.venue_types import Zone
from mien.types import Faces, Frame, Image

LEAST_S: Final = 1.5
"""Who stays shorter has only passed."""

GAP_S: Final = 2.0
"""A visit that has not been seen for longer is over."""

REACH: Final = 1.5
"""A face that comes back within the gap is at most so many of its sizes away from where it was ..."""

GROWTH: Final = 1.5
"""... and at most so many times larger or smaller."""

AWAY: Final = 0.5
"""Who is seen so many sizes of their face outside the zone has left it."""

REDETECT_S: Final = 0.4
"""A station looks for newcomers so often: a visit begins up to so much too late."""

ENDS_S: Final = 2.0
"""Arrival and leaving are the first and the last seconds of a visit; its halves, where it is shorter."""

LEAST_QUALITY: Final = 0.3
"""A poorer face tells of no smile, and one alone makes no usable view."""

HALF_LIFE_S: Final = 0.15
"""Readings of one face are smoothed by this before a smile is looked for."""

HELD_S: Final = 0.3
"""A smile lasts at least so long."""

CALM_SHARE: Final = 0.25
"""The own calm face is that below which this share of a visit's readings lies."""

SMILE_CONTRAST: Final = 1.6
"""A smile is so far above the own calm face, in log-odds of happiness; or it is ..."""

SMILE_SURE: Final = -1.0
"""... so high that it is one whatever the calm face is: somebody may smile for all of a visit."""

# All five of this by `benchmarks/venue.py smiles`: 26 people of the London set, 104 made visits, one in
# ten of the smiles as long as the visit; each person's smiles were told by the others' threshold.
SMILE_FOUND: Final = 0.90
"""How many of the visits with a smile count as such."""

SMILE_FALSE: Final = 0.06
"""How many of those without one do."""

SMILE_PEOPLE: Final = 26
"""How many people both stand on."""

_DARK: Final = 12.0
_FLAT: Final = 4.0
_TINY: Final = 1e-9
_STEP: Final = 0.1
_ENDS: Final = 12.0

Floats = NDArray[np.float64]


class VisitCounter:
    """Counts the visits to one station.

    Args:
        zones: of the station, as `Zones` or as they are stored.
        quantifier: of the network that reads.
        least_s: the shortest visit.
        gap_s: the longest time for which somebody in a zone may not be seen; frames have to come more often.
        least_px: narrower faces are too far away to be visitors; see `sizes_px`.
    """

    def __init__(
        self,
        zones: Zones | Iterable[Zone],
        quantifier: Quantifier,
        *,
        least_s: float = LEAST_S,
        gap_s: float = GAP_S,
        least_px: float = READ_FROM_PX,
    ) -> None:
        self.zones = zones if isinstance(zones, Zones) else Zones(zones)
        self._quantifier = quantifier
        self._least_s = least_s
        self._gap_s = gap_s
        self._least_px = least_px
        self._ongoing: list[_Ongoing] = []
        self._outside: dict[int, float] = {}
        self._now_s = 0.0
        self._frame_s: float | None = None

    def take(self, frame: Frame, faces: Faces) -> list[Visit]:
        """Count the next frame of the source.

        A time that goes back, or stands still, counts as no time at all.

        Args:
            frame: the frame; `zones.masked` has been looked at, and not its own picture.
            faces: those in it, followed and read, in any order.

        Returns:
            The visits that have turned out to be over, in the order of their ends.
        """
        if self._frame_s is None:
            self._now_s = frame.time_s
        else:
            self._now_s += max(0.0, frame.time_s - self._frame_s)
        self._frame_s = frame.time_s
        guests = self._guests(frame, faces)
        elsewhere = {
            track: xy
            for track, xy in zip(faces.track.tolist(), _middles(faces), strict=True)
            if track not in guests.track
        }
        over = [
            each
            for each in self._ongoing
            if self._now_s - each.end_s > self._gap_s or each.has_left(elsewhere)
        ]
        self._ongoing = [each for each in self._ongoing if each not in over]
        self._see(_Looks.of(guests, self._quantifier), {*elsewhere})
        self._outside = {
            track: at_s for track, at_s in self._outside.items() if self._now_s - at_s <= self._gap_s
        } | dict.fromkeys(elsewhere, self._now_s)
        return self._visits(over)

    def end(self) -> list[Visit]:
        """Return the visits that were going on: the source has ended, or the station closes."""
        over, self._ongoing = self._ongoing, []
        return self._visits(over)

    def usable(self, frame: Frame, faces: Faces) -> bool:
        """Return whether the station could see at all: the seconds in which it could not are blind ones.

        It can't see in the dark, with its lens covered, or where faces are in the zone of which none is good
        enough to be read.
        """
        if not is_usable(frame.image):
            return False
        guests = self._guests(frame, faces)
        return not len(guests) or bool((np.nan_to_num(guests.quality, nan=1.0) >= LEAST_QUALITY).any())

    def _guests(self, frame: Frame, faces: Faces) -> Faces:
        if not len(faces):
            return faces
        looked_at = self.zones.without_ignored(faces, frame.size_wh)
        if not len(looked_at):
            return looked_at
        large = sizes_px(looked_at) >= self._least_px
        return looked_at[self.zones.count(looked_at, frame.size_wh) & large]

    def _see(self, looks: _Looks, elsewhere: set[int]) -> None:
        """Give each look to its visit: that of its track, a lost one that fits, or a new one."""
        known = {each.track: each for each in self._ongoing}
        lost = [each for each in self._ongoing if each.track not in elsewhere.union(looks.track)]
        fresh = [index for index, track in enumerate(looks.track) if track not in known]
        costs = sorted(
            (each.distance(looks.xy[index]), index, place)
            for index in fresh
            for place, each in enumerate(lost)
            # Who was just seen outside comes in, and is nobody who was lost inside.
            if looks.track[index] not in self._outside and each.fits(looks, index)
        )
        taken: set[int] = set()
        for _, index, place in costs:
            if place not in taken and looks.track[index] not in known:
                taken.add(place)
                lost[place].track = looks.track[index]
                known[looks.track[index]] = lost[place]
        for index, track in enumerate(looks.track):
            if track not in known:
                known[track] = _Ongoing(track, self._now_s, len(self._quantifier.labels))
                self._ongoing.append(known[track])
            known[track].see(looks, index, self._now_s)

    def _visits(self, over: list[_Ongoing]) -> list[Visit]:
        long = (each for each in over if each.end_s - each.start_s >= self._least_s)
        return [each.visit() for each in sorted(long, key=lambda each: each.end_s)]


def _middles(faces: Faces) -> Floats:
    """(n, 2) where the faces are, in pixels."""
    return np.asarray((faces.xyxy[:, :2] + faces.xyxy[:, 2:]).astype(np.float64) / 2)


def is_usable(image: Image) -> bool:
    """Return whether a picture shows anything: it is neither dark nor of one brightness, as behind a hand."""
    coarse = image[::8, ::8, 1]
    return bool(coarse.mean() >= _DARK and coarse.std() >= _FLAT)


def happiness_odds(quantifier: Quantifier, faces: Faces) -> Floats:
    """(n,) log-odds of happiness, if all labels were as common: what smiles are told by."""
    px = sizes_px(faces) if len(faces) else np.empty(0)
    happiness = quantifier.evidence(faces.logits, px)[:, quantifier.labels.index("happiness")]
    odds = happiness.clip(_TINY, 1 - _TINY)
    return np.asarray(np.log(odds / (1 - odds)))


@dataclass(frozen=True, eq=False)
class _Looks:
    """What one frame showed of those in the zone."""

    track: list[int]
    xy: Floats
    px: Floats
    weight: Floats
    evidence: Floats
    sizes: Floats
    valence: Floats
    happy: Floats

    @classmethod
    def of(cls, faces: Faces, quantifier: Quantifier) -> _Looks:
        px = sizes_px(faces) if len(faces) else np.empty(0)
        return cls(
            track=faces.track.tolist(),
            xy=_middles(faces),
            px=px,
            weight=np.nan_to_num(faces.quality.astype(np.float64), nan=1.0).clip(0.05, 1),
            evidence=quantifier.evidence(faces.logits, px),
            sizes=quantifier.size_weights(px),
            valence=faces.valence.astype(np.float64),
            happy=happiness_odds(quantifier, faces),
        )


@dataclass(eq=False)
class _Ongoing:
    """A visit that goes on: sums, its ends, and where it was seen last; of the same size however long."""

    track: int
    start_s: float
    labels: int
    end_s: float = 0.0
    xy: Floats = field(default_factory=lambda: np.zeros(2))
    px: float = 0.0
    weight: float = 0.0
    evidence: Floats | float = 0.0
    sizes: Floats | float = 0.0
    valence: float = 0.0
    first: list[tuple[float, float]] = field(default_factory=list)
    last: deque[tuple[float, float]] = field(default_factory=deque)
    smile: SmileMeter = field(default_factory=lambda: SmileMeter())

    def distance(self, xy: Floats) -> float:
        """How far a place is from where this face was in the zone, in its sizes."""
        return float(np.hypot(*(xy - self.xy)) / self.px)

    def fits(self, looks: _Looks, index: int) -> bool:
        """Whether a face may be this one, found again."""
        ratio = looks.px[index] / self.px
        return 1 / GROWTH <= ratio <= GROWTH and self.distance(looks.xy[index]) <= REACH

    def has_left(self, elsewhere: dict[int, Floats]) -> bool:
        """Whether this face was seen far enough outside the zone; who sways over its edge stays."""
        return self.track in elsewhere and self.distance(elsewhere[self.track]) > AWAY

    def see(self, looks: _Looks, index: int, now_s: float) -> None:
        self.end_s, self.xy, self.px = now_s, looks.xy[index], float(looks.px[index])
        weight, valence = float(looks.weight[index]), float(looks.valence[index])
        self.weight += weight
        self.evidence = self.evidence + weight * looks.evidence[index]
        self.sizes = self.sizes + weight * looks.sizes[index]
        self.valence += weight * valence
        if now_s - self.start_s <= 2 * ENDS_S:
            self.first.append((now_s, valence))
        self.last.append((now_s, valence))
        while self.last[0][0] < now_s - ENDS_S:
            self.last.popleft()
        if weight >= LEAST_QUALITY:
            self.smile.see(float(looks.happy[index]), now_s)

    def visit(self) -> Visit:
        return Visit(
            start_s=self.start_s,
            end_s=self.end_s,
            evidence=tuple(np.asarray(self.evidence / self.weight).tolist()),
            sizes=tuple(np.asarray(self.sizes / self.weight).tolist()),
            valence=self.valence / self.weight,
            change=self._change(),
            smiled=self.smile.smiled,
        )

    def _change(self) -> float:
        length_s = self.end_s - self.start_s
        until_s = self.start_s + min(ENDS_S, length_s / 2)
        arrival = [valence for at_s, valence in self.first if at_s <= until_s]
        leaving = [valence for at_s, valence in self.last if at_s >= self.end_s - (until_s - self.start_s)]
        return float(np.mean(leaving) - np.mean(arrival))


@dataclass(eq=False)
class SmileMeter:
    """Tells whether there was a smile in a visit; of the same size however long it lasts."""

    _level: float | None = None
    _at_s: float = 0.0
    _since_s: float = 0.0
    _held: deque[tuple[float, float]] = field(default_factory=deque)
    _peak: float = -np.inf
    _counts: list[int] = field(default_factory=lambda: [0] * (round(2 * _ENDS / _STEP) + 1))

    def see(self, happy: float, time_s: float) -> None:
        """Take the next reading: log-odds of happiness, in the order of time."""
        if self._level is None:
            self._level, self._since_s = happy, time_s
        else:
            keep = 0.5 ** ((time_s - self._at_s) / HALF_LIFE_S)
            self._level = keep * self._level + (1 - keep) * happy
        self._at_s = time_s
        self._counts[round((min(max(self._level, -_ENDS), _ENDS) + _ENDS) / _STEP)] += 1
        self._held.append((time_s, self._level))
        while len(self._held) > 1 and self._held[1][0] <= time_s - HELD_S:
            self._held.popleft()
        if time_s - self._since_s >= HELD_S:
            self._peak = max(self._peak, min(level for _, level in self._held))

    @property
    def calm(self) -> float:
        """The level of the own calm face, log-odds."""
        places = np.cumsum(self._counts)
        return float(np.searchsorted(places, CALM_SHARE * places[-1]) * _STEP - _ENDS)

    @property
    def peak(self) -> float:
        """The highest level that lasted for `HELD_S`; minus infinity where nothing did."""
        return self._peak

    @property
    def smiled(self) -> bool:
        """Whether there was a smile."""
        return self._peak >= SMILE_SURE or self._peak - self.calm >= SMILE_CONTRAST
