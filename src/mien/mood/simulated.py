"""Simulated people: weeks of recordings with a known truth, for demonstrations and to measure the charts.

There are two levels. `simulate` draws every reading of every recording, with self-reports and notes.
`simulate_days` draws only a day's figure, for thousands of people at once, with the numbers that the first
one's expressivity has (tests/mood/test_simulated.py compares them).

Both have a mood that carries over from day to day, and a day's figure is in part noise: a first-order
autoregression plus noise. Mien's charts take a plain first-order autoregression, so that their promise is
tried on days that don't quite fit it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from mien.mood.series import Series
from mien.mood.simulated_face import Face, Moment, new_face, recording

Floats = NDArray[np.float64]

CARRY: Final = 0.6
"""How much of a day's mood is left on the next."""

NOISE: Final = 0.4
"""Share of the variance of days' figures that is new each day, as ten minutes are only a sample."""

GAIN_SD: Final = 0.153
"""How much the face's gain varies with mood, as the standard deviation of its logarithm.

With the sampling noise of ten minutes, days of expressivity then have the share that `NOISE` says.
"""

PHQ9_ITEMS: Final = 9
GAD7_ITEMS: Final = 7
_CHECKS_EVERY_DAYS: Final = 14


@dataclass(frozen=True, slots=True)
class SimulatedRecording:
    """One recording.

    Attributes:
        started_at: with its time zone.
        camera: its source's name.
        series: the readings, measures too.
    """

    started_at: datetime
    camera: str
    series: Series


@dataclass(frozen=True, slots=True)
class SimulatedReport:
    """What the person says of themselves.

    Attributes:
        at: when.
        scale: "mood" (0 to 10), "phq9" or "gad7".
        items: the answers, 0 to 3 each; None for "mood". The ninth of the PHQ-9 is always 0.
        total: their sum, or the mood.
    """

    at: datetime
    scale: Literal["mood", "phq9", "gad7"]
    items: tuple[int, ...] | None
    total: float


@dataclass(frozen=True, slots=True)
class SimulatedNote:
    """A mark beside the record; the fields of `store.types.Annotation`.

    Attributes:
        kind: "medication", "event" or "note".
        at: when.
        until: None for a moment.
        text: in words.
        data: always empty.
    """

    kind: Literal["medication", "event", "note"]
    at: datetime
    until: datetime | None
    text: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SimulatedPerson:
    """Weeks of a person, and the truth of them.

    Attributes:
        recordings: by their start.
        reports: by their time.
        notes: by their time.
        mood: (days,) the mood of each day, missing ones too, in standard deviations; the flatness not in it.
        flatness: (days,) how much flatter than usual each day was made, in standard deviations of own days.
        light: (days,) part of the quality.
        start: the first day.
    """

    recordings: tuple[SimulatedRecording, ...]
    reports: tuple[SimulatedReport, ...]
    notes: tuple[SimulatedNote, ...]
    mood: Floats
    flatness: Floats
    light: Floats
    start: date


def simulate_days(
    random: np.random.Generator,
    people: int,
    days: int,
    *,
    carry: float = CARRY,
    noise: float = NOISE,
    weekly_sd: float = 0.0,
) -> Floats:
    """Draw a measure's figure on each day, for many people.

    Args:
        random: what is drawn from.
        people: how many.
        days: how many.
        carry: how much of a day's mood is left on the next, 0 to below 1.
        noise: share of the variance that is new each day, 0 to 1.
        weekly_sd: standard deviation of a weekly rhythm on top, with a phase of each person's own.

    Returns:
        (people, days) with a standard deviation of 1 around 0, the rhythm not counted. A flatness of a size
        s is s less.
    """
    values = _carried(random, people, days, carry) * np.sqrt(1 - noise)
    values += np.sqrt(noise) * random.standard_normal(values.shape)
    phase = random.uniform(0, 2 * np.pi, (people, 1))
    return np.asarray(values + weekly_sd * np.sqrt(2) * np.cos(2 * np.pi * np.arange(days) / 7 + phase))


def simulate(
    weeks: int = 12,
    seed: int = 0,
    *,
    start: date = date(2026, 1, 5),
    zone: tzinfo = UTC,
    minutes: float = 10.0,
    rate_hz: float = 5.0,
    flat_from: int | None = None,
    flat_days: int | None = None,
    flat_size: float = 1.5,
    light_change: int | None = None,
    light_days: int | None = None,
    camera_change: int | None = None,
    missing: float = 0.1,
    missing_stretch: tuple[int, int] | None = None,
    weekly_sd: float = 0.3,
) -> SimulatedPerson:
    """Draw some weeks of a person: recordings, self-reports, notes. The same seed gives the same person.

    Args:
        weeks: how many.
        seed: of all that is drawn.
        start: the first day.
        zone: of all times.
        minutes: length of each recording, one a day.
        rate_hz: readings per second.
        flat_from: the day from which the face is flatter, counted from 0; None for never.
        flat_days: for how many days; None to the end.
        flat_size: by how much, in standard deviations of own days.
        light_change: the day from which the light is poor; None for never.
        light_days: for how many days; None to the end.
        camera_change: the day from which another camera is used; None for never.
        missing: share of the days without a recording.
        missing_stretch: the first day and the number of days on which there is none at all.
        weekly_sd: standard deviation of a weekly rhythm of mood, in those of own days.

    Returns:
        The person. The mood that they report follows the day's mood, and half of the flatness.

    Raises:
        ValueError: fewer than one week.
    """
    if weeks < 1:
        raise ValueError(f"expected at least 1 week, received {weeks}")
    random, days = np.random.default_rng(seed), 7 * weeks
    face = new_face(random)
    figure_sd = 1 / np.sqrt(1 - NOISE)
    mood = simulate_days(random, 1, days, noise=0.0, weekly_sd=weekly_sd * figure_sd)[0]
    flatness = flat_size * _during(days, flat_from, flat_days)
    dark = _during(days, light_change, light_days)
    light = np.where(dark > 0, random.uniform(0.3, 0.45, days), random.uniform(0.94, 1.0, days))
    other = _during(days, camera_change, None) > 0
    recorded = random.random(days) >= missing
    recorded[[0, -1]] = True
    if missing_stretch is not None:
        recorded[missing_stretch[0] : missing_stretch[0] + missing_stretch[1]] = False
    gain = np.exp(GAIN_SD * (mood - flatness * figure_sd))
    at = [
        datetime.combine(start + timedelta(day), time(18, int(random.integers(60))), zone)
        for day in range(days)
    ]
    truth = _Truth(gain, mood - 0.5 * flatness, light, other)
    recordings = [
        _recording(random, face, truth, day, at[day], length_s=60 * minutes, rate_hz=rate_hz)
        for day in np.flatnonzero(recorded).tolist()
    ]
    return SimulatedPerson(
        recordings=tuple(recordings),
        reports=_reports(random, truth.felt, recorded, at),
        notes=_notes(at, flat_from, dark, camera_change),
        mood=mood,
        flatness=flatness,
        light=light,
        start=start,
    )


@dataclass(frozen=True, slots=True)
class _Truth:
    """How each day was: the face's gain, the mood with half of the flatness, the light, another camera."""

    gain: Floats
    felt: Floats
    light: Floats
    other: NDArray[np.bool_]


def _recording(
    random: np.random.Generator, face: Face, truth: _Truth, day: int, at: datetime,
    *, length_s: float, rate_hz: float,
) -> SimulatedRecording:  # fmt: skip
    other = bool(truth.other[day])
    moment = Moment(
        gain=float(truth.gain[day]),
        pleasant=float(np.exp(0.25 * truth.felt[day])),
        light=float(truth.light[day]),
        sharpness=0.55 if other else 0.9,
        face_px=float((85 if other else 140) * np.exp(0.05 * random.standard_normal())),
        seen=float(np.clip(0.88 + 0.05 * random.standard_normal(), 0.5, 1)),
    )
    series = recording(random, face, moment, length_s=length_s, rate_hz=rate_hz)
    return SimulatedRecording(at, "phone" if other else "desk", series)


def _carried(random: np.random.Generator, people: int, days: int, carry: float) -> Floats:
    values = random.standard_normal((people, days))
    for day in range(1, days):
        values[:, day] = carry * values[:, day - 1] + np.sqrt(1 - carry**2) * values[:, day]
    return values


def _during(days: int, first: int | None, count: int | None) -> Floats:
    """(days,) 1 on the days of a stretch, else 0."""
    inside = np.zeros(days)
    if first is not None:
        inside[first : days if count is None else first + count] = 1
    return inside


def _reports(
    random: np.random.Generator, felt: Floats, recorded: NDArray[np.bool_], at: list[datetime]
) -> tuple[SimulatedReport, ...]:
    reports = []
    for day, feeling in enumerate(felt):
        later = at[day] + timedelta(minutes=30)
        if recorded[day] and random.random() < 0.85:
            mood = float(np.clip(round(6 + 1.3 * feeling + 0.8 * random.standard_normal()), 0, 10))
            reports.append(SimulatedReport(later, "mood", None, mood))
        if day % _CHECKS_EVERY_DAYS == _CHECKS_EVERY_DAYS - 1:
            burden = 0.6 - 0.7 * float(felt[max(0, day - _CHECKS_EVERY_DAYS + 1) : day + 1].mean())
            phq9 = (*_answers(random, burden, PHQ9_ITEMS - 1), 0)
            gad7 = _answers(random, 0.8 * burden, GAD7_ITEMS)
            reports.append(SimulatedReport(later + timedelta(minutes=5), "phq9", phq9, float(sum(phq9))))
            reports.append(SimulatedReport(later + timedelta(minutes=8), "gad7", gad7, float(sum(gad7))))
    return tuple(reports)


def _answers(random: np.random.Generator, burden: float, count: int) -> tuple[int, ...]:
    drawn = np.clip(np.round(burden + 0.5 * random.standard_normal(count)), 0, 3)
    return tuple(int(each) for each in drawn)


def _notes(
    at: list[datetime], flat_from: int | None, dark: Floats, camera_change: int | None
) -> tuple[SimulatedNote, ...]:
    last = len(at) - 1
    notes = [SimulatedNote("note", at[0], None, "simulated: first conversation")]
    notes.append(SimulatedNote("event", at[min(9, last)], None, "simulated: birthday in the family"))
    if flat_from is not None:
        begin = min(flat_from + 14, last)
        until = at[last] if begin < last else None
        notes.append(SimulatedNote("event", at[min(flat_from, last)], None, "simulated: bad news from work"))
        notes.append(SimulatedNote("medication", at[begin], until, "simulated: medicine A, 50 mg"))
    if dark.any():
        notes.append(SimulatedNote("note", at[int(dark.argmax())], None, "simulated: the lamp is broken"))
    if camera_change is not None:
        notes.append(
            SimulatedNote("note", at[camera_change], None, "simulated: recorded with the phone from now on")
        )
    return tuple(sorted(notes, key=lambda each: each.at))
