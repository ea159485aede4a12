"""Figures as an EDF+ file that other programs show, all on one clock: one sample a second, or more of a face.

EDF stores 16-bit steps between two ends and has no value for "nothing". Here the lowest step means no
reading: it lies below 0 and below all readings by as much as these lie apart, so that it can't be taken for
one. Each figure's quality stands beside it as a signal of its own, and is 0 there.
"""

from __future__ import annotations

import io
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
from numpy.typing import NDArray

import mien
from mien.labels import EMOTIONS
from mien.signals.types import Figure, Kind, Mark

if TYPE_CHECKING:
    import edfio

LONGEST_S: Final = 7 * 86_400.0
"""How much of a recording second by second is worth writing: in a longer one the rest is left out."""

_NO_READING: Final = "no reading: physical minimum"
"""Stands in the prefiltering field of a signal whose lowest step is no value."""
_OF_QUALITY: Final = "quality, 0 to 1"
_LOWEST: Final = -32768
_HIGHEST: Final = 32767
_TOO_LARGE: Final = 1e7
_RECORD_S: Final = 10
_LETTERS: Final = 16
_ABOUT_LETTERS: Final = 80
_MARK_LETTERS: Final = 200
_QUALITY: Final = "Q "
_FIRST_YEAR, _LAST_YEAR = 1985, 2084
"""What the two digits of a header's year mean."""
_LABELS: Final = {
    "heart_rate": "heart rate", "rmssd_ms": "RMSSD", "pnn50": "pNN50", "hf_ms2": "HRV HF", "lf_ms2": "HRV LF",
    "sdnn_ms": "SDNN", "skin_level": "skin level", "skin_slope": "skin slope",
    "skin_responses": "skin responses", "skin_response_sum": "skin sum", "breathing_rate": "breathing rate",
    "muscle_activity": "muscle", "eeg_delta": "delta", "eeg_theta": "theta", "eeg_alpha": "alpha",
    "eeg_beta": "beta", "frontal_asymmetry": "asymmetry", "skin_temperature": "skin temp.",
    "arousal": "body arousal", "face_valence": "face valence", "face_arousal": "face arousal",
    "face_pulse": "face pulse",
}  # fmt: skip
_AS_READ: Final[dict[str, Kind]] = {"heart rate": "rate", "skin temp.": "temperature"}
_ENDS: Final = {
    "arousal": (0.0, 1.0), "face_valence": (-1.0, 1.0), "face_arousal": (-1.0, 1.0), "pnn50": (0.0, 1.0),
    **dict.fromkeys(("quality", "confidence", *(f"p_{label}" for label in EMOTIONS)), (0.0, 1.0)),
}  # fmt: skip
"""Of measures that can't go further, so that files of one person look alike."""


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """One measure over a recording, second by second.

    Attributes:
        measure: "heart_rate", ...
        signal: what it was measured on.
        unit: of the values.
        values: (n,), of the samples from 0 s on; NaN is no reading.
        quality: (n,), 0 to 1; 0 where nothing is known; (0,) where it has none of its own.
        over_s: over how many seconds each value was measured.
        step_s: from one value that was measured to the next.
    """

    measure: str
    signal: str
    unit: str
    values: NDArray[np.float64]
    quality: NDArray[np.float64]
    over_s: float = 1.0
    step_s: float = 1.0


@dataclass(frozen=True, slots=True)
class EdfHeader:
    """What the file says beside its signals.

    Attributes:
        person: a code; empty for none.
        start: the moment of 0 s, with the zone of the place where it was recorded; None names none.
        marks: what happened, in seconds from the start.
    """

    person: str = ""
    start: datetime | None = None
    marks: Sequence[Mark] = field(default=())


def courses(found: Iterable[Figure], seconds: int) -> list[Course]:
    """Return figures as courses: each second has that of the window whose middle is nearest.

    Args:
        found: of windows of any length and step, in seconds from 0.
        seconds: how long the courses are; what lies outside is left out.

    Returns:
        One for each measure of each signal, in the order in which they first come. A second further from
        every middle than half a step has no reading.
    """
    grouped: dict[tuple[str, str], list[Figure]] = {}
    for each in found:
        grouped.setdefault((each.measure, each.signal), []).append(each)
    return [_course(sorted(group, key=lambda each: each.start_s), seconds) for group in grouped.values()]


def _course(group: list[Figure], seconds: int) -> Course:
    middles = np.array([(each.start_s + each.end_s) / 2 for each in group])
    lengths = np.array([each.end_s - each.start_s for each in group])
    steps = np.diff(middles)
    step_s = min([float(lengths.min()), *steps[steps > 0].tolist()])
    times = np.arange(seconds) + 0.5
    after = np.searchsorted(middles, times)
    before = np.maximum(after - 1, 0)
    after = np.minimum(after, len(group) - 1)
    nearest = np.where(times - middles[before] <= middles[after] - times, before, after)
    near = np.abs(middles[nearest] - times) <= step_s / 2 + 1e-6
    values = np.array([np.nan if each.value is None else each.value for each in group])[nearest]
    quality = np.array([each.quality for each in group])[nearest]
    first = group[0]
    return Course(
        first.measure, first.signal, first.unit,
        np.where(near, values, np.nan), np.where(near, quality, 0.0), float(np.median(lengths)), step_s,
    )  # fmt: skip


def edf_bytes(given: Sequence[Course], header: EdfHeader, rate_hz: int = 1) -> bytes:
    """Return courses as an EDF+ file; the same courses give the same bytes.

    Args:
        given: of the same length, which is filled up to whole tens of seconds. One with values beyond a
            million, for which the header has no room, is left out.
        header: what else it says.
        rate_hz: samples in a second.

    Raises:
        ModuleNotFoundError: without edfio, which `mien[signals]` brings.
    """
    import edfio

    given = [each for each in given if max(map(abs, _ends(each))) < _TOO_LARGE]
    signals = [
        signal
        for label, each in zip(_labels(given), given, strict=True)
        for signal in _pair(label, each, rate_hz)
    ]

    def made(record_s: int) -> edfio.Edf:
        return edfio.Edf(
            signals,
            patient=edfio.Patient(code=header.person or "X"),
            recording=_recording(header.start),
            starttime=None if header.start is None else header.start.timetz().replace(tzinfo=None),
            data_record_duration=record_s,
            annotations=[edfio.EdfAnnotation(at, None, _text(text)) for at, text in header.marks if at >= 0],
        )

    try:
        file = made(_RECORD_S)
    except ValueError:  # edfio takes lengths for different that it has rounded; by seconds they are exact
        file = made(1)
    out = io.BytesIO()
    file.write(out)
    return out.getvalue()


def read_back(signal: Any) -> tuple[Kind, NDArray[np.float64]] | None:
    """Return what a signal that edfio read is, and its values with NaN for no reading.

    Returns:
        None where it is none of `edf_bytes`. A figure of breath is no course of breath to find breaths in,
        and so most of ours are "other".
    """
    if signal.prefiltering not in (_NO_READING, _OF_QUALITY):
        return None
    gaps = (signal.digital == _LOWEST) & (signal.prefiltering == _NO_READING)
    return _AS_READ.get(signal.label, "other"), np.where(gaps, np.nan, signal.data)


def zone_written(identification: str) -> timezone | None:
    """Return the zone of a file's start by its "local recording identification"; only ours names one."""
    found = re.search(r" Mien_\S+ UTC([+-]\d{4})$", identification)
    return None if found is None else cast(timezone, datetime.strptime(found[1], "%z").tzinfo)


def _recording(start: datetime | None) -> edfio.Recording:
    import edfio

    made_by = f"Mien_{mien.__version__}"
    if start is None or not _FIRST_YEAR <= start.year <= _LAST_YEAR:
        return edfio.Recording(equipment_code=made_by)
    zone = f"UTC{start:%z}" if start.tzinfo else ""
    return edfio.Recording(startdate=start.date(), equipment_code=made_by, additional=[zone] if zone else [])


def _pair(label: str, course: Course, rate_hz: int) -> Iterator[edfio.EdfSignal]:
    """Yield the signal of a course, and that of its quality where it has one."""
    about = f"{course.measure} of {course.signal}, over {course.over_s:g} s"
    yield _signal(course.values, label, about, course.unit, _ends(course), _NO_READING, rate_hz)
    if len(course.quality):
        told = f"quality of {about}"
        yield _signal(course.quality, _QUALITY + label, told, "", (0.0, 1.0), _OF_QUALITY, rate_hz)


def _ends(course: Course) -> tuple[float, float]:
    """Return the physical ends, the lower one for no reading."""
    known = course.values[np.isfinite(course.values)].tolist()
    reach = [*known, *_ENDS.get(course.measure, ())] or [0.0]
    low, high = min(reach), max(reach)
    span = max(high - low, 0.01 * max(abs(high), abs(low)), 1e-6)
    unit = 10.0 ** (math.floor(math.log10(span)) - 1)
    return math.floor((min(low, 0.0) - span) / unit) * unit, math.ceil((low + span) / unit) * unit


def _signal(
    values: NDArray[np.float64],
    label: str,
    about: str,
    unit: str,
    ends: tuple[float, float],
    note: str,
    rate_hz: int,
) -> edfio.EdfSignal:
    import edfio

    # The header has eight characters for each end, to which edfio rounds them outwards.
    low, high = edfio.EdfSignal(np.array(ends), 1, physical_range=ends).physical_range
    steps = np.rint((values - low) / (high - low) * (_HIGHEST - _LOWEST)) + _LOWEST
    digital = np.full(-(-len(values) // (_RECORD_S * rate_hz)) * _RECORD_S * rate_hz, _LOWEST, np.int16)
    digital[: len(values)] = np.where(np.isfinite(values), steps, _LOWEST)
    return edfio.EdfSignal.from_digital(
        digital, rate_hz, label=label, transducer_type=_ascii(about, _ABOUT_LETTERS),
        physical_dimension=_ascii(unit, 8), physical_range=(low, high), digital_range=(_LOWEST, _HIGHEST),
        prefiltering=note,
    )  # fmt: skip


def _labels(given: Sequence[Course]) -> list[str]:
    """Return a name of at most 14 letters for each course, no two the same."""
    many = Counter(each.measure for each in given)
    most = _LETTERS - (len(_QUALITY) if any(len(each.quality) for each in given) else 0)
    labels: list[str] = []
    for each in given:
        name = _LABELS.get(each.measure, each.measure)
        label = _ascii(f"{name} {each.signal}" if many[each.measure] > 1 else name, most)
        for number in range(2, len(given) + 2):
            if label not in labels:
                break
            label = f"{label[: most - 1 - len(str(number))]}~{number}"
        labels.append(label)
    return labels


def _ascii(text: str, most: int) -> str:
    """Return what an EDF header can hold of a text."""
    plain = text.encode("ascii", "replace").decode()
    return "".join(each if each.isprintable() else "?" for each in plain)[:most].strip()


def _text(text: str) -> str:
    """Return the beginning of a text, without the characters that end an annotation."""
    # Every ten seconds of a file have the room of the longest.
    short = text[:_MARK_LETTERS].strip()
    return "".join(each if each.isprintable() else " " for each in short).strip() or "mark"
