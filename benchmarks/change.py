"""How the charts keep their promise on simulated people, and how soon they tell a change.

    python benchmarks/change.py

Prints the tables of docs/change.md. Days are drawn by `mien.mood.simulated.simulate_days`, a fifth of them is
missing; the last table draws every reading of every recording.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mien.mood.change.ar1 import REACH_SD, Fits, design, fit_many, has_weeks
from mien.mood.change.conditions import LEAST_SPREAD
from mien.mood.change.findings import findings
from mien.mood.change.limits import Plan, advance, limit
from mien.mood.change.points import follow
from mien.mood.episodes import episodes
from mien.mood.expressivity import distance, own_neutral
from mien.mood.simulated import SimulatedPerson, simulate, simulate_days
from mien.mood.usual import Usual

Floats = NDArray[np.float64]
Chart = Literal["ewma", "cusum", "bayes"]

CHARTS: tuple[Chart, ...] = ("ewma", "cusum", "bayes")
SPANS = {5: 6, 28: 35, 56: 70}
"""Days of a baseline, a fifth of them missing: usable days -> calendar days."""
CHOSEN_DAYS = 365.0
SIZES_SD = (0.5, 1.0, 2.0)
AHEAD_DAYS = 365
"""How long people are watched behind their baseline."""
BAYES_PEOPLE = 250
"""Of how many the run lengths are followed, which takes long."""
KNOWN = tuple(range(1, 1001))
"""A baseline so long that what is usual is as good as known: limits without any allowance."""


@dataclass(frozen=True)
class People:
    """Many people over the same days."""

    days: NDArray[np.int64]
    values: Floats
    baseline: int
    fits: Fits
    weekly: bool


def main() -> None:
    parser = argparse.ArgumentParser(
        description="False alarms and delays of the charts, on simulated people."
    )
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--full", type=int, default=40, help="people of whom every reading is drawn")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    began = time.perf_counter()
    print(f"seed {chosen.seed}, {chosen.people} people, {chosen.full} with every reading\n")
    bias(chosen.people, chosen.seed)
    allowance(chosen.people, chosen.seed)
    promise(chosen.people, chosen.seed)
    delays(chosen.people, chosen.seed)
    light(chosen.full, chosen.seed)
    print(f"{time.perf_counter() - began:.0f} s")


def bias(people: int, seed: int) -> None:
    """Is phi recovered, with gaps?"""
    rows = []
    for usable_days, carry in product((28, 56), (0.0, 0.4, 0.7)):
        random = np.random.default_rng(seed)
        days = observed(random, usable_days, SPANS[usable_days])
        values = simulate_days(random, people, SPANS[usable_days], carry=carry, noise=0)[:, days - 1]
        found = fit_many(days, values, design(days, weekly=False))
        rows.append(
            [
                usable_days,
                carry,
                f"{found.phi.mean():.2f}",
                f"{found.phi.std():.2f}",
                f"{found.sd.mean():.2f}",
            ]
        )
    table(
        "Autocorrelation", ["usable days", "true phi", "mean of fits", "their SD", "mean SD (true 1)"], rows
    )


def allowance(people: int, seed: int) -> None:
    """What is it worth to allow for what the baseline leaves open? Days that fit the model exactly."""
    rows = []
    for usable_days, kind in product((5, 28, 56), ("cusum", "ewma")):
        group = drawn(seed, people, usable_days, AHEAD_DAYS, carry=0.4, noise=0.0)
        for name, how in (
            ("none", {"days": KNOWN, "weekly": False}),
            ("expected", {}),
            ("90 %", {"sure": 0.9}),
        ):
            if usable_days >= 28 or name == "none":
                first, count = watched(group, kind, CHOSEN_DAYS, **how)
                ill = drawn(
                    seed + 1,
                    people,
                    usable_days,
                    AHEAD_DAYS,
                    carry=0.4,
                    noise=0.0,
                    flat_from=30,
                    flat_size=1.0,
                )
                rows.append([usable_days, kind, name, *shares(first, count), *delay(ill, kind, **how)[:1]])
    table(
        f"What is allowed for, at one false alarm in {CHOSEN_DAYS:.0f} days",
        [
            "usable days",
            "chart",
            "allowed for",
            "alarm in 30 days",
            "in 365 days",
            "false alarms a year",
            "median delay at 1 SD",
        ],
        rows,
    )


def promise(people: int, seed: int) -> None:
    """Is the chosen interval kept?"""
    kinds = {
        "as the model": {"carry": 0.4, "noise": 0.0},
        "mood plus noise": {},
        "slower mood, more noise": {"carry": 0.8, "noise": 0.5},
        "with a weekly rhythm of 0.5 SD": {"weekly_sd": 0.5},
    }
    rows = []
    for (name, how), usable_days, interval in product(kinds.items(), (28, 56), (90.0, 365.0, 1095.0)):
        row: list[object] = [name, usable_days, f"{interval:.0f}"]
        for chart in CHARTS:
            first, count = watched(drawn(seed, people, usable_days, AHEAD_DAYS, **how), chart, interval)
            interval_days = "-" if chart == "bayes" else f"{AHEAD_DAYS / count.mean():.0f}"
            early, year = (100 * (first <= limit_days).mean() for limit_days in (30, 365))
            row.append(f"{interval_days}, {early:.0f} %, {year:.0f} %")
        rows.append(row)
    heads = [
        "days",
        "usable days",
        "chosen interval",
        *(f"{chart}: interval, in 30, in 365 days" for chart in CHARTS),
    ]
    table("The promise", heads, rows)


def delays(people: int, seed: int) -> None:
    """How soon is flatness told?"""
    rows = []
    for usable_days, size, chart in product((28, 56), SIZES_SD, CHARTS):
        group = drawn(seed, people, usable_days, AHEAD_DAYS, flat_from=30, flat_size=size)
        _, calm = watched(drawn(seed + 1, people, usable_days, AHEAD_DAYS), chart, CHOSEN_DAYS)
        rows.append([usable_days, f"{size:g}", chart, *delay(group, chart), f"{calm.mean():.2f}"])
    heads = ["usable days", "size, SD", "chart", "median delay, days", "within 14 days", "28", "90"]
    table(f"Flatness, at one false alarm in {CHOSEN_DAYS:.0f} days", [*heads, "false alarms a year"], rows)


def light(people: int, seed: int) -> None:
    """Is poor light told as light, and not as a change of mood? And do the words say what was done?"""
    rows = []
    cases: dict[str, dict[str, object]] = {
        "nothing": {},
        "poor light from day 56": {"light_change": 56},
        "another camera from day 56": {"camera_change": 56},
        "flatness of 1 SD from day 56": {"flat_from": 56, "flat_size": 1.0},
        "flatness of 2 SD from day 56": {"flat_from": 56, "flat_size": 2.0},
    }
    for name, how in cases.items():
        tables = [days_of(simulate(16, seed + person, **how)) for person in range(people)]  # type: ignore[arg-type]
        told, blind, sizes, inside = [], [], [], []
        for days in tables:
            cut = days.index[0] + timedelta(48)
            found = findings(days, usual_of(days, cut), false_alarm_days=CHOSEN_DAYS)
            unaware = days.drop(columns=[*LEAST_SPREAD, "camera"])
            lasting = [each for each in found if each.kind == "change"]
            told.append((bool(lasting), any(each.kind in ("light", "camera") for each in found)))
            blind.append(any(each.kind == "change" for each in changes_of(unaware, cut)))
            for each in lasting:
                if each.measure == "expressivity" and how.get("flat_from") and each.until is None:
                    sizes.append(-(each.size_sd or 0))
                    inside.append((each.low or 0) <= -float(str(how["flat_size"])) <= (each.high or 0))
        mood, condition = np.mean(told, axis=0)
        rows.append(
            [
                name,
                f"{100 * condition:.0f} %",
                f"{100 * mood:.0f} %",
                f"{100 * np.mean(blind):.0f} %",
                f"{np.mean(sizes):.1f} SD, {100 * np.mean(inside):.0f} %" if sizes else "",
            ]
        )
    heads = ["what was done", "light or camera told", "change told", "change told without looking at light"]
    table(f"{people} people, 16 weeks, baseline of 7 weeks", [*heads, "size told, interval holds it"], rows)


def changes_of(days: pd.DataFrame, cut: object) -> list[object]:
    return list(findings(days, usual_of(days, cut), false_alarm_days=CHOSEN_DAYS))


def usual_of(days: pd.DataFrame, cut: object) -> Usual:
    usual = Usual.of(days.loc[days.index < cut])
    assert isinstance(usual, Usual), usual
    return usual


def days_of(person: SimulatedPerson) -> pd.DataFrame:
    """The figures that are watched, without their intervals."""
    own = own_neutral([each.series for each in person.recordings[:40]])
    assert own is not None
    rows = {}
    for each in person.recordings:
        series, used = each.series, each.series.usable
        seen_min = float(series.step_s[~np.isnan(series.confidence)].sum()) / 60
        rows[each.started_at.date()] = {
            "minutes": float(series.step_s.sum()) / 60,
            "usable_minutes": float(series.step_s[used].sum()) / 60,
            "coverage": float(used.mean()),
            "camera": each.camera,
            "expressivity": float(distance(series.probabilities[used], own.probabilities).mean()),
            "valence_mean": float(series.valence[used].mean()),
            "smiles_per_min": sum(found.kind == "smile" for found in episodes(series)) / seen_min,
            "quality_mean": float(np.nanmean(series.quality)),
            "light_mean": float(np.nanmean(series.light)),
            "sharpness_mean": float(np.nanmean(series.sharpness)),
            "face_px": float(np.nanmean(series.face_px)),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def observed(random: np.random.Generator, count: int, span: int) -> NDArray[np.int64]:
    """Days with a recording: so many of a span, its first and last among them."""
    inner = random.choice(np.arange(2, span), count - 2, replace=False)
    return np.sort(np.concatenate([[1], inner, [span]])).astype(np.int64)


def drawn(
    seed: int,
    people: int,
    usable_days: int,
    future: int,
    *,
    flat_from: int | None = None,
    flat_size: float = 0.0,
    **how: float,
) -> People:
    """People with a fitted baseline, and what comes after it."""
    random = np.random.default_rng(seed)
    span = SPANS[usable_days]
    values = simulate_days(random, people, span + future, **how)
    if flat_from is not None:
        values[:, span + flat_from :] -= flat_size
    after = span + 1 + np.flatnonzero(random.random(future) >= 0.2)
    days = np.concatenate([observed(random, usable_days, span), after])
    kept = values[:, days - 1]
    weekly = has_weeks(days[:usable_days])
    fits = fit_many(days[:usable_days], kept[:, :usable_days], design(days[:usable_days], weekly))
    return People(days, kept, usable_days, fits, weekly)


def residuals(group: People) -> tuple[NDArray[np.int64], Floats]:
    """The days after the baseline, counted from its end, and the forecasts' errors: (days, people)."""
    levels = group.fits.levels if group.weekly else np.repeat(group.fits.levels, 7, axis=1)
    usual = levels[:, (group.days - 1) % 7]
    far = np.clip((group.values - usual) / group.fits.sd[:, np.newaxis], -REACH_SD, REACH_SD)
    kept = group.fits.phi[:, np.newaxis] ** np.diff(group.days)
    errors = (far[:, 1:] - kept * far[:, :-1]) / np.sqrt(1 - kept**2)
    return group.days[group.baseline :] - group.days[group.baseline - 1], errors[:, group.baseline - 1 :].T


def limits_of(group: People, kind: str, interval: float, **how: object) -> Floats:
    """Each person's limit, as `charts` finds it."""
    own = tuple(group.days[: group.baseline].tolist())
    plan = {"days": own, "weekly": group.weekly, "false_alarm_days": interval, **how}
    phi = np.clip(group.fits.phi, 0, 0.8).round(1)
    found = {each: limit(Plan(kind=kind, phi=float(each), **plan)) for each in np.unique(phi)}  # type: ignore[arg-type]
    return np.array([found[each] for each in phi])


def watched(group: People, chart: Chart | str, interval: float, **how: object) -> tuple[Floats, Floats]:
    """(people,) the day of the first alarm (infinite without), and how many alarms there are."""
    days, errors = residuals(group)
    first, count = np.full(errors.shape[1], np.inf), np.zeros(errors.shape[1])
    if chart == "bayes":
        alarmed = bayes(days, errors[:, :BAYES_PEOPLE], group.baseline, interval)
        return np.where(alarmed.any(axis=0), days[alarmed.argmax(axis=0)], np.inf), alarmed.sum(axis=0)
    upper = limits_of(group, chart, interval, **how)
    for day, direction in alarms(chart, days, errors, upper):
        new = direction.any(axis=0)
        first[new & np.isinf(first)] = day
        count += new
    return first, count


def alarms(
    kind: str, days: NDArray[np.int64], errors: Floats, upper: Floats
) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """Each day with the alarms that begin on it: (2, people), above and below."""
    sides = np.zeros((2, errors.shape[1]))
    lasting = np.zeros(sides.shape, np.bool_)
    for day, error in zip(days, errors, strict=True):
        sides = np.array(advance(kind, sides[0], sides[1], error))  # type: ignore[arg-type]
        begins = (sides > upper) & ~lasting
        lasting = (lasting | begins) & (sides > 0)
        if kind == "cusum":
            sides = np.minimum(sides, upper)
        yield int(day), begins


def bayes(days: NDArray[np.int64], errors: Floats, baseline: int, interval: float) -> NDArray[np.bool_]:
    """(days, people) when another level than the baseline's becomes more likely, after it was at most 0.1."""
    hazards = 1 - (1 - 1 / interval) ** np.diff(days, prepend=0)
    parts = np.array_split(errors, max(1, errors.shape[1] // 25), axis=1)
    usual = np.hstack([follow(part, hazards, baseline)[0][:, 0] for part in parts])
    begins, lasting = np.zeros(usual.shape, np.bool_), np.zeros(usual.shape[1], np.bool_)
    for day, chance in enumerate(usual):
        begins[day] = (chance < 0.5) & ~lasting
        lasting = (lasting | begins[day]) & (chance < 0.9)
    return begins


def delay(group: People, chart: Chart | str, onset: int = 30, **how: object) -> list[str]:
    """Median delay, and shares within 14, 28 and 90 days, of those without an alarm before."""
    days, errors = residuals(group)
    if chart == "bayes":
        below = bayes(days, errors[:, :BAYES_PEOPLE], group.baseline, CHOSEN_DAYS)
        first = np.where(below.any(axis=0), days[below.argmax(axis=0)], np.inf)
    else:
        first = np.full(errors.shape[1], np.inf)
        for day, begins in alarms(chart, days, errors, limits_of(group, chart, CHOSEN_DAYS, **how)):
            first[begins.any(axis=0) & np.isinf(first)] = day
    late = first[first > onset] - onset
    median = np.median(late)
    within = [f"{100 * (late <= limit_days).mean():.0f} %" for limit_days in (14, 28, 90)]
    return [f"{median:.0f}" if np.isfinite(median) else "over 335", *within]


def shares(first: Floats, count: Floats) -> list[str]:
    early, year = (100 * (first <= days).mean() for days in (30, 365))
    return [f"{early:.0f} %", f"{year:.0f} %", f"{count.mean():.2f}"]


def table(title: str, heads: list[str], rows: list[list[object]]) -> None:
    print(f"{title}\n\n| {' | '.join(heads)} |\n|{' --- |' * len(heads)}")
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |")
    print(flush=True)


if __name__ == "__main__":
    main()
