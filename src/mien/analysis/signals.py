"""A body's signals beside the face of a film: on its clock, window by window, and how both go together."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.analysis.signals_choice import HEART, WAYS, SignalsChoice, Way
from mien.analysis.smiles import BodyCourses, ExpressionCourse, after_onsets
from mien.errors import SourceError
from mien.files import written_whole
from mien.record.body import OF_KIND, windows
from mien.signals.agreement import agreement
from mien.signals.alignment import Lag, RateCourse, apart_bpm, pulse_drift, pulse_lag, rate_course
from mien.signals.arousal import LEAST_WINDOWS, Arousal, arousal, knows_needed, parts_of, rest_windows
from mien.signals.body import sound_skin
from mien.signals.drift import Drift, ms_per_min
from mien.signals.face_pulse import PulseReading
from mien.signals.figures import figures_in
from mien.signals.heart import find_beats
from mien.signals.types import Figure, Signals, shifted
from mien.store.signals import signal_of
from mien.types import Faces

COLUMNS: Final = tuple(Figure.__dataclass_fields__)

_CORRECTED_S: Final = 15.0
"""Start times are true to some seconds at best; the pulse may correct them by so much."""
_LEAST_COMMON_S: Final = 10.0
_OTHER_BPM: Final = 5.0
"""With rates further apart than this it is another person, or the clock is wrong."""
_AROUND_S: Final = 60.0
_MEASURES: Final = ("valence", "arousal")


@dataclass(frozen=True, slots=True)
class _Clock:
    """How the signals lie on the film's clock, and what the pulse says of it.

    Attributes:
        way: what told it.
        shift_s: what has to be added to their times at `around_s`.
        lag: the shift by the pulse.
        apart_bpm: of face and body.
        corrected_s: by how much the pulse corrected the start times.
        around_s: by the signals' clock.
        drift: how much faster that runs than the film's.
        drift_by: "marks" or "pulse".
    """

    way: Way
    shift_s: float
    lag: Lag | None
    apart_bpm: float | None
    corrected_s: float | None
    around_s: float = 0.0
    drift: Drift | None = None
    drift_by: str | None = None

    @property
    def corrected_ppm(self) -> float:
        """By how much the film's clock is taken to run faster; 0 where the drift isn't known well."""
        given = self.way in ("seconds given", "time given")
        return -self.drift.ppm if self.drift is not None and self.drift.known and not given else 0.0

    def of(self, read: Signals) -> Signals:
        """Return signals on the film's clock."""
        return shifted(read, self.shift_s, self.corrected_ppm, self.around_s)


class BodyBesideFace:
    """Takes a film's faces as they are read, and at the end sets the signals beside them.

    Args:
        choice: which signals, and how.
        duration_s: of the film, as far as it is known.

    Raises:
        SourceError: the signals can't be read, or have no time in common with the film.
    """

    def __init__(self, choice: SignalsChoice, duration_s: float | None) -> None:
        self._choice = choice
        self._read = choice.read()
        self._seconds: dict[int, dict[int, NDArray[np.float64]]] = defaultdict(dict)
        self._frames: Counter[int] = Counter()
        self._readings: list[PulseReading] = []
        self._end_s = 0.0
        self.beside: BodyCourses | None = None
        if choice.shift_s is not None and duration_s:
            self._common(choice.shift_s, duration_s)

    def take(self, time_s: float, faces: Faces, readings: Sequence[PulseReading]) -> None:
        """Take the next frame: its faces, and what they say of the pulse."""
        second = int(time_s)
        self._end_s = max(self._end_s, time_s)
        self._frames[second] += 1
        self._readings += readings
        for track, *values in zip(faces.track.tolist(), faces.valence, faces.arousal, strict=True):
            sums = self._seconds[track].setdefault(second, np.zeros(3))
            if np.isfinite(values).all():
                sums += (*values, 1)

    def finish(self, path: Path, course: ExpressionCourse | None = None) -> dict[str, Any]:
        """Write the table, and return what the summary says.

        Args:
            path: of the table.
            course: of the faces' expressions; afterwards `beside` is the body on the film's clock.

        Raises:
            SourceError: nothing tells how the clocks lie, or there is no time in common.
            OutputError: it can't be written.
        """
        tracks = self._choice.tracks or self._longest()
        readings = [each for each in self._readings if each.track in tracks]
        clock = self._settle(readings)
        read = clock.of(self._read)
        common = self._common(clock.shift_s, self._end_s)
        spans, rests = self._windows(read, common)
        found = figures_in(read, sorted({*spans, *rests}))
        parts = parts_of(found)
        if self._choice.rest_s is None:
            rests = [each for each in spans if knows_needed(parts.get(each, {}))][:LEAST_WINDOWS]
        aroused = dict(
            zip(parts, arousal(list(parts.values()), [each in rests for each in parts]), strict=True)
        )
        seconds = self._face(tracks)
        self.beside = BodyCourses(read, dict(_courses(read, common)), common, tracks)
        answers, after = ([], []) if course is None else after_onsets(course, self.beside)
        shown = {*spans, *rests[::2]}
        found = tuple(each for each in found if (each.start_s, each.end_s) in shown)
        aroused = {span: each for span, each in aroused.items() if span in shown}
        rows = [*found, *_of_arousal(aroused), *self._of_face(spans, seconds, readings), *after]
        _write(path, sorted(rows, key=lambda each: each.start_s))
        return {
            "file": self._read.origin,
            "clock": self._report_clock(clock),
            "common_s": [round(each, 2) for each in common],
            "tracks": list(tracks),
            "rows": len(rows),
            "windows": len(spans),
            "arousal": _report_arousal(aroused, spans, rests, given=self._choice.rest_s is not None),
            "together": _report_together(self.beside, seconds),
            "after_onsets": answers,
            "notes": [*self._read.notes, *_doubts(clock)],
        }

    @property
    def signals(self) -> frozenset[str]:
        """Which of `store.types.BODY` the file tells of."""
        return frozenset(OF_KIND[each.kind] for each in self._read.signals if each.kind in OF_KIND)

    def recorded(self, signals: Collection[str], first_s: float, last_s: float) -> tuple[Figure, ...]:
        """Return what goes into a subject's record, after `finish`: in seconds from the recording's start.

        Args:
            signals: of `store.types.BODY`, those that a consent names.
            first_s: when the recording starts, by the film's clock.
            last_s: when it ends.
        """
        assert self.beside is not None
        read, common = self.beside.read, self.beside.common_s
        named = tuple(each for each in read.signals if OF_KIND.get(each.kind) in signals)
        spans = windows(common[0] - first_s, min(common[1], last_s) - first_s)
        found = figures_in(shifted(replace(read, signals=named), -first_s), spans)
        # A heart shows the breath, too, which a consent names by itself.
        return tuple(each for each in found if signal_of(each.measure) in signals)

    def _longest(self) -> tuple[int, ...]:
        seen = {track: len(seconds) for track, seconds in self._seconds.items()}
        return (max(seen, key=seen.__getitem__),) if seen else ()

    def _common(self, shift_s: float, end_s: float) -> tuple[float, float]:
        first, last = (each + shift_s for each in self._read.span_s)
        common = max(0.0, first), min(end_s, last)
        if common[1] - common[0] < _LEAST_COMMON_S:
            raise SourceError(
                f"{self._choice.path}: no time in common with the video: by {WAYS[self._choice.way]}, the"
                f" signals run from {first:.0f} to {last:.0f} s of its {end_s:.0f} s"
            )
        return common

    def _settle(self, readings: Sequence[PulseReading]) -> _Clock:
        """Return how the clocks lie: as the user says, else as the start times say and the pulse corrects."""
        choice, known_s = self._choice, self._choice.shift_s
        course = _heart(self._read, None if known_s is None else (-known_s, self._end_s - known_s))
        shifts = None
        if known_s is not None:
            shifts = known_s - _CORRECTED_S, known_s + _CORRECTED_S
        lag = pulse_lag(readings, course, shifts)
        if known_s is None:
            if lag is None:
                count = sum(each.rate_bpm is not None for each in readings)
                raise SourceError(
                    f"{choice.path}: nothing tells how its clock lies to the video's: {choice.why_not},"
                    f" and the pulse of the face ({count} readings) does not show it; say when it begins with"
                    " --signals-start"
                )
            return self._drifting(_Clock("pulse", lag.shift_s, lag, lag.apart_bpm, None), readings, course)
        if lag is not None and choice.way == "start times":
            corrected = round(lag.shift_s - known_s, 2)
            clock = _Clock(choice.way, lag.shift_s, lag, lag.apart_bpm, corrected)
            return self._drifting(clock, readings, course)
        clock = _Clock(choice.way, known_s, lag, apart_bpm(readings, course, known_s), None)
        return self._drifting(clock, readings, course)

    def _drifting(self, clock: _Clock, readings: Sequence[PulseReading], course: RateCourse) -> _Clock:
        """Return it with the drift of the clocks: by two marks or more, else by the pulse."""
        marked = self._choice.marked
        if marked is not None:
            clock = replace(clock, around_s=marked.around_s)
            if marked.drift is not None:
                return replace(clock, drift=marked.drift, drift_by="marks")
        found = None if clock.lag is None else pulse_drift(readings, course, clock.lag.shift_s)
        if found is None:
            return clock
        shift_s, middle_s, drift = found
        clock = replace(clock, drift=drift, drift_by="pulse")
        if clock.corrected_ppm and marked is None:
            return replace(clock, shift_s=shift_s, around_s=middle_s - shift_s)
        return clock

    def _report_clock(self, clock: _Clock) -> dict[str, Any]:
        lag, drift = clock.lag, clock.drift
        first = self._read.span_s[0]
        return {
            "by": clock.way,
            "begin_s": round(clock.of(self._read).span_s[0], 2),
            "corrected_by_pulse_s": clock.corrected_s,
            "pulse_begin_s": None if lag is None else round(lag.shift_s + first, 2),
            "pulse_uncertainty_s": None if lag is None else lag.uncertainty_s,
            "pulse_apart_bpm": None if clock.apart_bpm is None else round(clock.apart_bpm, 1),
            "drift": None
            if drift is None
            else {
                "by": clock.drift_by,
                "ppm": round(drift.ppm, 1),
                "low_ppm": round(drift.low, 1),
                "high_ppm": round(drift.high, 1),
                "ms_per_min": round(ms_per_min(drift.ppm), 2),
                "corrected": bool(clock.corrected_ppm),
            },
        }

    def _windows(
        self, read: Signals, common: tuple[float, float]
    ) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        """Return the windows that lie in the film, and those of a rest that was given: it may lie before."""
        window_s, rest = self._choice.window_s, self._choice.rest_s
        first, last = read.span_s
        spans = list(_spans(ceil(common[0]), common[1], window_s)) or [common]
        if rest is None:
            return spans, []
        return spans, rest_windows(max(rest[0], first), min(rest[1], last), window_s)

    def _face(self, tracks: tuple[int, ...]) -> dict[int, NDArray[np.float64]]:
        """Return of each second the sums of valence and arousal, and the number of frames with the face."""
        seconds: dict[int, NDArray[np.float64]] = {}
        for track in tracks:
            for second, sums in self._seconds.get(track, {}).items():
                seconds[second] = seconds.get(second, 0) + sums
        return seconds

    def _of_face(
        self,
        spans: Sequence[tuple[float, float]],
        seconds: dict[int, NDArray[np.float64]],
        readings: Sequence[PulseReading],
    ) -> Iterator[Figure]:
        """Yield the face's own figures over the same windows; quality is the share of frames with it."""
        for start, end in spans:
            inside = range(int(start), ceil(end))
            sums = sum((seconds[each] for each in inside if each in seconds), np.zeros(3))
            frames = sum(self._frames[each] for each in inside)
            quality = min(1.0, float(sums[2]) / frames) if frames else 0.0
            for number, name in enumerate(_MEASURES):
                value = float(sums[number] / sums[2]) if sums[2] else None
                yield Figure(start, end, "face", f"face_{name}", "", value, quality)
            told = [each for each in readings if start < each.time_s <= end]
            rates = [each.rate_bpm for each in told if each.rate_bpm is not None]
            sure = sum(each.quality for each in told if each.rate_bpm is not None) / (end - start)
            rate = float(np.median(rates)) if rates else None
            yield Figure(start, end, "face", "face_pulse", "1/min", rate, min(1.0, sure))


def _doubts(clock: _Clock) -> list[str]:
    if clock.apart_bpm is None or clock.apart_bpm <= _OTHER_BPM:
        return []
    return [
        f"the pulse of the face and of the signals are {clock.apart_bpm:.0f} a minute apart: are they of"
        " another person, or of another time?"
    ]


def _spans(start_s: float, end_s: float, window_s: float) -> Iterator[tuple[float, float]]:
    for number in range(int((end_s - start_s) / window_s + 1e-6)):
        yield start_s + number * window_s, start_s + (number + 1) * window_s


def _heart(read: Signals, span_s: tuple[float, float] | None) -> RateCourse:
    """Return the rate by the signal whose beats are best known, within some time around a span."""
    best, longest = RateCourse(0.0, np.array([])), 0.0
    for signal in read.of(*HEART):
        if span_s is not None:
            signal = signal.between(span_s[0] - _AROUND_S, span_s[1] + _AROUND_S)
        beats = find_beats(signal)
        known_s = float(beats.intervals_s[beats.good].sum())
        if known_s > longest:
            best, longest = rate_course(beats), known_s
    return best


def _of_arousal(aroused: dict[tuple[float, float], Arousal | None]) -> Iterator[Figure]:
    for (start, end), each in aroused.items():
        quality = 0.0 if each is None else 1 - each.high + each.low
        yield Figure(start, end, "body", "arousal", "", None if each is None else each.value, quality)


def _report_arousal(
    aroused: dict[tuple[float, float], Arousal | None],
    spans: Sequence[tuple[float, float]],
    rests: Sequence[tuple[float, float]],
    *,
    given: bool,
) -> dict[str, Any]:
    known = {span: each for span in spans if (each := aroused.get(span)) is not None}
    highest = max(known, key=lambda span: known[span].value, default=None)
    most = None if highest is None else known[highest]
    return {
        "rest_s": [round(rests[0][0], 2), round(rests[-1][1], 2)] if rests else None,
        "rest": "given" if given else "opening",
        "windows": len(known),
        "median": round(float(np.median([each.value for each in known.values()])), 3) if known else None,
        "quality": round(float(np.median([1 - each.high + each.low for each in known.values()])), 3)
        if known
        else 0.0,
        "highest": None
        if most is None or highest is None
        else {
            "start_s": round(highest[0], 2),
            "end_s": round(highest[1], 2),
            **{name: round(getattr(most, name), 3) for name in ("value", "low", "high")},
        },
    }


def _report_together(beside: BodyCourses, seconds: dict[int, NDArray[np.float64]]) -> list[dict[str, Any]]:
    """Return how the face's valence and arousal go with pulse and skin, where that can be told."""
    known = {second: sums for second, sums in sorted(seconds.items()) if sums[2]}
    times = np.array(list(known), np.float64) + 0.5
    told = []
    for number, face in enumerate(_MEASURES):
        course = times, np.array([sums[number] / sums[2] for sums in known.values()])
        for body, other in beside.courses.items():
            found = agreement(course, other)
            if found is None:
                continue
            told.append(
                {
                    "face": face,
                    "body": body,
                    **{
                        name: round(getattr(found, name), 3)
                        for name in ("correlation", "lag_s", "p", "chance", "seconds")
                    },
                    "quality": round(min(1.0, found.seconds / (beside.common_s[1] - beside.common_s[0])), 3),
                }
            )
    return told


def _courses(
    read: Signals, common: tuple[float, float]
) -> Iterator[tuple[str, tuple[NDArray[np.float64], NDArray[np.float64]]]]:
    """Yield the body's courses in the common time: the pulse's rate and the conductance of the skin."""
    rate = _heart(read, common)
    if np.isfinite(rate.per_min).any():
        inside = (rate.times_s >= common[0]) & (rate.times_s <= common[1])
        yield "heart_rate", (rate.times_s[inside], rate.per_min[inside])
    else:
        for signal in read.of("rate")[:1]:
            given = signal.between(*common)
            yield "heart_rate", (given.times_s, given.values)
    skins = [each.in_unit("uS").between(*common) for each in read.of("eda")]
    if whole := [each for each in skins if len(each) > 1]:
        skin = max(whole, key=lambda each: float(sound_skin(each).mean()))
        yield "skin_level", (skin.times_s, np.where(sound_skin(skin), skin.values, np.nan))


def _write(path: Path, rows: Sequence[Figure]) -> None:
    with written_whole(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for each in rows:
            value = "" if each.value is None else f"{each.value:.6g}"
            writer.writerow(
                (f"{each.start_s:.2f}", f"{each.end_s:.2f}", each.signal, each.measure, each.unit, value,
                 f"{each.quality:.2f}")
            )  # fmt: skip
