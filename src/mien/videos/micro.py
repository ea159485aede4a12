"""Micro-expressions: movements of a face that are over within half a second, found against its own noise.

Every moment is compared with those before and after it: what goes on for longer, and slow drift, are the same
on both sides and cancel (after Moilanen, Zhao & Pietikäinen 2014 and Li et al. 2018, who compare features of
such frames; here it is how far brows and mouth have moved, see `micro_motion`). A peak counts that stands out
of the film's own noise. A blink moves the eyelids as much as the brows or more, and is left out; the mouth is
read through it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Unpack

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from mien.config import Choices, DetectorName
from mien.errors import ConfigError, SourceError
from mien.expression.sidecar import Sidecar
from mien.face.detect import Detector
from mien.files import write_json, written_whole
from mien.videos.micro_motion import Floats, Motion, read_motion
from mien.videos.micro_network import label_probabilities, load_micro_network

if TYPE_CHECKING:
    import pandas as pd

THRESHOLD: Final = 5.0
"""By how many times its own noise a movement stands out, unless somebody wants it otherwise."""
REACH_S: Final = 0.15
"""How far before and after are the moments that one is compared with."""
LONGEST_S: Final = 0.5
"""What takes longer is no micro-expression (Yan et al. 2013)."""
WANTED_HZ: Final = 100.0
"""Frames a second, below which short movements are missed."""
LEAST_HZ: Final = 10.0
"""Frames a second, below which nothing can be said."""

_MOTION_SHARE: Final = 0.85
"""How much of the work is done once the motion is read, where movements are labelled as well."""
_LEAST_NOISE: Final = 0.03
"""Percent of the distance between the eyes; no film is taken for steadier than this."""
_SMOOTH_S: Final = 0.008
_GROUPS: Final = {"brows": (0, 1, 2, 3), "mouth": (4, 5, 6, 7)}
_EYES: Final = (8, 9)
_BLINK: Final = 0.9
"""The brows count as blinking from this many times their own movement in the eyelids on."""
_BEYOND: Final = 0.5
"""How far the line through a slope goes on to the ground, in lengths between its two crossings."""


@dataclass(frozen=True, slots=True)
class Movement:
    """One short movement.

    Attributes:
        onset_s: where it begins.
        apex_s: the first moment at which it is as strong as it gets.
        offset_s: where it is over.
        region: "brows" or "mouth", whichever moves more.
        moved: how far, in percent of the distance between the outer corners of the eyes.
        score: how far it stands out, in times of the film's own noise.
        probabilities: of a network's labels, 0 to 1, by label; None without a network.
    """

    onset_s: float
    apex_s: float
    offset_s: float
    region: str
    moved: float
    score: float
    probabilities: dict[str, float] | None = field(default=None, hash=False)

    @property
    def label(self) -> str | None:
        """The most probable label; None without a network."""
        said = self.probabilities
        return max(said, key=said.__getitem__) if said else None

    def as_dict(self) -> dict[str, Any]:
        """Return the movement for JSON."""
        said = self.probabilities
        return {
            "onset_s": round(self.onset_s, 4), "apex_s": round(self.apex_s, 4),
            "offset_s": round(self.offset_s, 4), "region": self.region, "moved": round(self.moved, 4),
            "score": round(self.score, 4), "label": self.label,
            "probabilities": said and {label: round(each, 4) for label, each in said.items()},
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Micro:
    """What was found in a film.

    Attributes:
        source: the film's name.
        movements: in order of time.
        blinks_s: where the eyelids moved most, and the brows couldn't be read.
        seen_s: how long a face was seen.
        length_s: of the film.
        frames_per_second: of the film.
        threshold: by how many times its own noise a movement stands out.
        notes: what a reader should know, in plain words.
        frame: one row for each frame with a face: `time_s`; `brows`, `mouth` and `eyes`, how far they stand
            out of what is before and after, in percent of the distance between the eyes.
        network: the facts about the network that labelled the movements; None without one.
    """

    source: str
    movements: tuple[Movement, ...]
    blinks_s: tuple[float, ...]
    seen_s: float
    length_s: float
    frames_per_second: float
    threshold: float
    notes: tuple[str, ...]
    frame: pd.DataFrame
    network: Sidecar | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return everything but the frames for JSON."""
        return {
            "source": self.source,
            "length_s": round(self.length_s, 3),
            "seen_s": round(self.seen_s, 3),
            "frames_per_second": round(self.frames_per_second, 3),
            "threshold": self.threshold,
            "network": self.network and {"name": self.network.name, "sha256": self.network.sha256},
            "movements": [each.as_dict() for each in self.movements],
            "blinks_s": [round(each, 3) for each in self.blinks_s],
            "notes": list(self.notes),
        }

    def save(self, folder: str | Path) -> list[Path]:
        """Write micro.csv (frames), movements.csv, micro.json and micro.png.

        Args:
            folder: made where it is missing; files of these names in it are replaced.

        Returns:
            What was written.

        Raises:
            OutputError: it can't be written.
        """
        from mien.videos.micro_plot import plot  # Matplotlib, which the movements don't need

        names = ("micro.csv", "movements.csv", "micro.json", "micro.png")
        frames, movements, facts, picture = (Path(folder) / name for name in names)
        for path, table in ((frames, self.frame), (movements, self._movements())):
            with written_whole(path) as temporary:
                table.to_csv(temporary, index=False)
        write_json(facts, self.as_dict())
        plot(self, picture)
        return [frames, movements, facts, picture]

    def _movements(self) -> pd.DataFrame:
        """Return a row for each movement, with its label and probabilities where there is a network."""
        import pandas as pd

        columns = ["onset_s", "apex_s", "offset_s", "region", "moved", "score"]
        if self.network is not None:
            columns += ["label", *(f"p_{label}" for label in self.network.labels)]
        rows = [
            row | {f"p_{label}": each for label, each in (row["probabilities"] or {}).items()}
            for row in (movement.as_dict() for movement in self.movements)
        ]
        return pd.DataFrame(rows, columns=columns)


def micro(
    where: str | Path,
    *,
    threshold: float = THRESHOLD,
    network: str | Path | None = None,
    progress: Callable[[float], None] = lambda share: None,
    detector: DetectorName | Detector | None = None,
    **choices: Unpack[Choices],
) -> Micro:
    """Find movements of the largest face of a film that are over within half a second.

    Args:
        where: the film; 100 frames a second or more are wanted, 10 needed.
        threshold: by how many times the film's own noise a movement stands out; lower finds more, and more
            that are none.
        network: labels the movements: an .onnx file that `mien train --recipe micro` wrote; None for no
            labels.
        progress: called with the share that is done, 0 to 1.
        detector: what finds faces, by name, or any object that is a `Detector`.
        **choices: settings by name, as in `Settings`.

    Returns:
        What was found; a film without a face has no movements, and a note that says so.

    Raises:
        ConfigError: the threshold isn't positive, or a setting is wrong.
        ModelError: a network is missing or damaged, or the one for labels takes faces.
        SourceError: the film can't be read, or has too few frames a second.

    Example:
        >>> import mien
        >>> for each in mien.micro("interview.mp4").movements:  # doctest: +SKIP
        ...     print(f"{each.onset_s:.3f} {each.apex_s:.3f} {each.offset_s:.3f} {each.region}")
    """
    if not threshold > 0:
        raise ConfigError(f"threshold: expected a number above 0, received {threshold:g}")
    name = Path(where).name
    labels = None if network is None else load_micro_network(network)
    share = 1.0 if labels is None else _MOTION_SHARE
    film = read_motion(where, detector=detector, progress=lambda done: progress(share * done), **choices)
    if film.frames < 2:
        raise SourceError(f"{name}: expected a film, received a single frame, in which nothing can move")
    if film.frames_per_second < LEAST_HZ:
        raise SourceError(
            f"{name}: expected at least {LEAST_HZ:g} frames a second, received {film.frames_per_second:.3g};"
            " movements of half a second and less aren't in it"
        )
    found = [spot(each, threshold) for each in film.stretches]
    movements = tuple(movement for each, _ in found for movement in each)
    if labels is not None:
        said = label_probabilities(
            labels, where, [(each.onset_s, each.apex_s) for each in movements], film.ways,
            progress=lambda done: progress(share + (1 - share) * done),
        )  # fmt: skip
        movements = tuple(replace(each, probabilities=its) for each, its in zip(movements, said, strict=True))
    return Micro(
        name,
        movements,
        tuple(blink_s for _, blinks_s in found for blink_s in blinks_s),
        sum((each.times_s[-1] - each.times_s[0] for each in film.stretches), 0.0),
        film.length_s, film.frames_per_second, threshold,
        (*film.notes, *_notes(film.frames_per_second, film.length_s, bool(film.stretches))),
        _frame(film.stretches), None if labels is None else labels.sidecar,
    )  # fmt: skip


def _notes(rate_hz: float, length_s: float, seen: bool) -> tuple[str, ...]:
    if not seen:
        return ("no face was found: nothing can be said of it",)
    notes = []
    if rate_hz < 0.98 * WANTED_HZ:
        notes.append(
            f"at {rate_hz:.3g} frames a second a movement of 40 ms is {_frames(0.04 * rate_hz)}: short ones"
            " are missed, and times are rough; films of 100 or 200 frames a second show them"
        )
    if length_s < 2.0:
        notes.append(
            "the film is shorter than 2 s: its own noise is hardly known, and what is found is less certain"
        )
    return tuple(notes)


def _frames(count: float) -> str:
    if count < 0.75:
        return "shorter than one frame"
    return "one frame" if count < 1.5 else f"{count:.0f} frames"


def _frame(stretches: list[Motion]) -> pd.DataFrame:
    import pandas as pd

    parts = []
    for each in stretches:
        stands_out = np.linalg.norm(standing_out(each), axis=2)
        parts.append(
            pd.DataFrame(
                {"time_s": each.times_s.round(4)}
                | {name: _together(stands_out, group).round(4) for name, group in _GROUPS.items()}
                | {"eyes": _together(stands_out, _EYES).round(4)}
            )
        )
    nothing = pd.DataFrame({name: [] for name in ("time_s", *_GROUPS, "eyes")})
    return pd.concat(parts, ignore_index=True) if parts else nothing


def _together(stands_out: Floats, regions: tuple[int, ...]) -> Floats:
    return np.asarray(np.sqrt((stands_out[:, regions] ** 2).mean(axis=1)))


def standing_out(motion: Motion) -> Floats:
    """Return (n, regions, 2) how far each frame stands out of the moments before and after it."""
    times_s, moved = motion.times_s, _smoothed(motion)

    def at(way_s: float) -> Floats:
        places = np.searchsorted(times_s, times_s + way_s - 1e-6)
        return np.asarray(moved[np.minimum(places, len(times_s) - 1)])

    out = moved - (at(-REACH_S) + at(REACH_S)) / 2
    # Where one side is missing, drift stands out, too, unless the other side's line is followed.
    for edge, way_s in (
        (times_s < times_s[0] + REACH_S, REACH_S),
        (times_s > times_s[-1] - REACH_S, -REACH_S),
    ):
        line = (moved - 2 * at(way_s) + at(2 * way_s)) / 2
        smaller = np.linalg.norm(line, axis=2) < np.linalg.norm(out, axis=2)
        out = np.where((edge[:, None] & smaller)[..., None], line, out)
    return np.asarray(out)


def _smoothed(motion: Motion) -> Floats:
    if len(motion.times_s) < 3:
        return motion.moved
    sigma = _SMOOTH_S / float(np.median(np.diff(motion.times_s)))
    return np.asarray(gaussian_filter1d(motion.moved, sigma, axis=0, mode="nearest"))


def spot(motion: Motion, threshold: float) -> tuple[list[Movement], list[float]]:
    """Find the short movements of one stretch.

    Args:
        motion: how brows, mouth and eyelids move.
        threshold: by how many times the stretch's own noise a movement stands out.

    Returns:
        The movements in order of time, and where the eyelids blinked.
    """
    signals = standing_out(motion)
    stands_out = np.linalg.norm(signals, axis=2)
    eyes = _together(stands_out, _EYES)
    window = 2 * max(1, round(REACH_S / max(float(np.median(np.diff(motion.times_s))), 1e-3))) + 1
    eyes_near = maximum_filter1d(eyes, window // 2)
    found: list[Movement] = []
    blinks_s: list[float] = []
    for region, group in _GROUPS.items():
        together = _together(stands_out, group)
        noise = max(float(np.median(together)), _LEAST_NOISE)
        peaks = np.flatnonzero(
            (together == maximum_filter1d(together, window)) & (together >= threshold * noise)
        )
        for peak in peaks.tolist():
            if region == "brows" and eyes_near[peak] >= _BLINK * together[peak]:
                blinks_s.append(float(motion.times_s[peak]))
            elif movement := _movement(motion, signals, peak, group, region, together[peak] / noise):
                found.append(movement)
    return _merged(found), blinks_s


def _movement(
    motion: Motion, signals: Floats, peak: int, group: tuple[int, ...], region: str, score: float
) -> Movement | None:
    """Follow a peak down to both sides; None where it goes on for too long."""
    times_s, moved = motion.times_s, _smoothed(motion)[:, group]
    direction = signals[peak][list(group)]
    near = slice(*np.searchsorted(times_s, times_s[peak] + np.array([-LONGEST_S, LONGEST_S + 1e-6])))
    length = float(np.linalg.norm(direction)) or 1.0
    course = (moved[near] * direction).sum(axis=(1, 2)) / length
    times_s, place = times_s[near], peak - near.start
    ground = _ground(times_s, course, times_s[place])
    course = course - ground
    apex = _apex(course, place)
    onset_s = _edge(times_s[apex::-1], course[apex::-1])
    offset_s = _edge(times_s[apex:], course[apex:])
    if offset_s - onset_s > LONGEST_S:
        return None
    first = int(np.flatnonzero(course[: apex + 1] >= 0.97 * course[apex])[0]) if course[apex] > 0 else apex
    while first < apex and (course[first : apex + 1] < 0.9 * course[apex]).any():
        first += 1
    return Movement(
        float(onset_s), float(times_s[first]), float(offset_s), region,
        float(course[apex] / np.sqrt(len(group))), float(score),
    )  # fmt: skip


def _ground(times_s: Floats, course: Floats, apex_s: float) -> Floats:
    """Return the line from the level before the movement to the one after it."""
    before = (times_s >= apex_s - 0.3) & (times_s <= apex_s - 0.12)
    after = (times_s >= apex_s + 0.12) & (times_s <= apex_s + 0.3)
    if not before.any() or not after.any():
        level = course[before | after]
        return np.full(len(course), float(np.median(level)) if len(level) else float(course.min()))
    low, high = float(np.median(course[before])), float(np.median(course[after]))
    share = np.clip((times_s - (apex_s - 0.21)) / 0.42, 0, 1)
    return np.asarray(low + share * (high - low))


def _apex(course: Floats, place: int) -> int:
    """Climb from a peak of what stands out to the course's own."""
    while True:
        near = slice(max(place - 2, 0), place + 3)
        best = near.start + int(course[near].argmax())
        if best == place:
            return place
        place = best


def _edge(times_s: Floats, course: Floats) -> float:
    """Return where the course, from its top on, reaches the ground: by the line through its slope."""
    top = float(course[0])
    crossed = []
    for level in (0.7 * top, 0.2 * top):
        below = np.flatnonzero(course < level)
        if not len(below):
            return float(times_s[-1])
        place = int(below[0])
        high, low = course[place - 1], course[place]
        share = (high - level) / (high - low)
        crossed.append(float(times_s[place - 1] + share * (times_s[place] - times_s[place - 1])))
    edge = crossed[1] + (crossed[1] - crossed[0]) * _BEYOND
    return float(np.clip(edge, times_s.min(), times_s.max()))


def _merged(found: list[Movement]) -> list[Movement]:
    """Keep the strongest of movements that overlap: brows and mouth may take part in the same one."""
    kept: list[Movement] = []
    for each in sorted(found, key=lambda each: -each.score):
        if all(each.onset_s >= other.offset_s or each.offset_s <= other.onset_s for other in kept):
            kept.append(each)
    return sorted(kept, key=lambda each: each.onset_s)
