"""How the charts keep their promise on simulated people; how well and how soon changes are told.

    python benchmarks/change.py
    python benchmarks/change.py --only several --people 24    # three measures, and five with sensors

Prints the tables of docs/change.md. Days are drawn by `mien.mood.simulated.simulate_days`, a fifth of them is
missing, and each person is watched as `mien changes` does it; the last table draws every reading.
"""

from __future__ import annotations

import argparse
import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mien.mood.baseline import Baseline, BaselineMeasure
from mien.mood.change.ar1 import design, fit_many
from mien.mood.change.charts import Alarm, Chart, cusum, ewma
from mien.mood.change.conditions import LEAST_SPREAD
from mien.mood.change.findings import Finding, findings
from mien.mood.change.monitoring import WATCHED, WORN
from mien.mood.episodes import episodes
from mien.mood.expressivity import distance, own_neutral
from mien.mood.simulated import SimulatedPerson, simulate, simulate_days

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BASELINE_DAYS = 42
AHEAD_DAYS = 365
"""How long people are watched behind their baseline."""
CHOSEN_DAYS = 365.0
CHANGE_DAY, CHANGE_DAYS = 30, 21
"""A change begins so many days behind the baseline, and lasts for so many days."""
FIRST = dt.date(2026, 1, 5)
SAMPLING = 0.2
"""Share of a baseline day's variance that is sampling error, where errors are known."""


@dataclass(frozen=True)
class Setting:
    """People of one kind.

    Attributes:
        name: in the tables.
        how: for `simulate_days`.
        baseline_days: calendar days of the baseline, a fifth of them missing.
        noisier: how many times the variance of later days' sampling error is the baseline's.
        told: whether the charts are told these errors.
        season_sd: standard deviation of a season of the year, with a phase of each person's own.
    """

    name: str
    how: dict[str, float]
    baseline_days: int = BASELINE_DAYS
    noisier: float = 1.0
    told: bool = False
    season_sd: float = 0.0


def autoregression(phi: float, **more: Any) -> Setting:
    return Setting(f"autocorrelation {phi:g}", {"carry": phi, "noise": 0.0}, **more)


PROMISED = (
    *(autoregression(phi) for phi in (0.0, 0.2, 0.4, 0.6)),
    Setting("autocorrelation 0.4, 70 days of baseline", {"carry": 0.4, "noise": 0.0}, baseline_days=70),
    Setting("mood 0.6, 40 % noise", {}),
    Setting("mood 0.6, 40 % noise, weekly rhythm of 0.5 SD", {"weekly_sd": 0.5}),
    Setting("later recordings 4 times as noisy, errors known", {}, noisier=4.0, told=True),
    Setting("later recordings 4 times as noisy, errors not known", {}, noisier=4.0),
    Setting("later recordings 10 times as noisy, errors known", {}, noisier=10.0, told=True),
    Setting("later recordings 10 times as noisy, errors not known", {}, noisier=10.0),
    Setting("mood 0.8, 50 % noise", {"carry": 0.8, "noise": 0.5}),
    Setting("slow mood 0.95, 30 % noise", {"carry": 0.95, "noise": 0.3}),
    Setting("slow mood 0.95, 50 % noise", {"carry": 0.95, "noise": 0.5}),
    Setting("mood 0.6, 40 % noise, season of 0.7 SD", {}, season_sd=0.7),
)


@dataclass(frozen=True)
class People:
    """Many people over the same days.

    Attributes:
        days: (n,) the days with a figure, counted from 1.
        values: (people, n) their figures.
        usable: how many of the days are the baseline's.
        errors: (n,) standard error of each day's figure; None where it isn't known.
    """

    days: Ints
    values: Floats
    usable: int
    errors: Floats | None = None
    dates: list[dt.date] = field(default_factory=list)

    @property
    def end(self) -> int:
        """The baseline's last day."""
        return int(self.days[self.usable - 1])

    def chart(
        self, person: int, kind: Callable[..., Chart | None] = ewma, until: int | None = None, among: int = 1
    ) -> Chart:
        """Watch a measure of a person up to a day; it is one among so many that are watched."""
        count = len(self.days) if until is None else int((self.days <= until).sum())
        own = BaselineMeasure(tuple(self.dates[: self.usable]), self.values[person, : self.usable])
        usual = Baseline(own.dates[0], own.dates[-1], own.days, 10.0 * own.days, {"expressivity": own})
        index = pd.Index(self.dates[:count], dtype=object)
        values = pd.Series(self.values[person, :count], index, name="expressivity")
        errors = None if self.errors is None else pd.Series(self.errors[:count], index)
        chart = kind(values, usual, false_alarm_days=among * CHOSEN_DAYS, errors=errors)
        assert chart is not None
        return chart


def main() -> None:
    parser = argparse.ArgumentParser(description="False alarms, dates and delays, on simulated people.")
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--full", type=int, default=8, help="people of whom every reading is drawn")
    parser.add_argument("--seed", type=int, default=1)
    parts: dict[str, Callable[[int, int], None]] = {
        "bias": lambda people, seed: bias(5 * people, seed),
        "promise": promise, "several": several, "several-lasting": several_lasting, "dates": dates,
        "lasting": lasting,
    }  # fmt: skip
    parser.add_argument("--only", nargs="+", choices=[*parts, "light"], default=[*parts, "light"])
    chosen = parser.parse_args()
    began = time.perf_counter()
    print(f"seed {chosen.seed}, {chosen.people} people, {chosen.full} with every reading\n")
    for name in chosen.only:
        if name == "light":
            light(chosen.full, chosen.seed)
        else:
            parts[name](chosen.people, chosen.seed)
    print(f"{time.perf_counter() - began:.0f} s")


def bias(people: int, seed: int) -> None:
    """Is phi recovered, with gaps?"""
    rows: list[list[object]] = []
    for (usable, span), carry in product(((28, 35), (56, 70)), (0.0, 0.4, 0.7)):
        random = np.random.default_rng(seed)
        days = observed(random, usable, span)
        values = simulate_days(random, people, span, carry=carry, noise=0)[:, days - 1]
        found = fit_many(days, values, design(days, weekly=False))
        fits = [f"{each:.2f}" for each in (found.phi.mean(), found.phi.std(), found.sd.mean())]
        rows.append([usable, carry, *fits])
    heads = ["usable days", "true phi", "mean of fits", "their SD", "mean SD (true 1)"]
    table("Autocorrelation", heads, rows)


def promise(people: int, seed: int) -> None:
    """Is the chosen interval kept, and if not, is it said?"""
    rows: list[list[object]] = []
    for setting in PROMISED:
        rows.append([setting.name, *kept(drawn(seed, people, setting), people)])
    rows.append(
        ["CUSUM: autocorrelation 0.4", *kept(drawn(seed, people, autoregression(0.4)), people, cusum)]
    )
    heads = [
        "people", "days monitored until a first alarm, per person", "days per alarm", "alarm within 30 days",
        "told that the rate can't be guaranteed", "of those with an alarm", "days per alarm of the others",
    ]  # fmt: skip
    table(f"False alarms, one chosen in {CHOSEN_DAYS:.0f} days", heads, rows)


def kept(group: People, people: int, kind: Callable[..., Chart | None] = ewma) -> list[str]:
    """Return days to a first alarm, days for each, and what is said of the promise."""
    charts = [group.chart(person, kind) for person in range(people)]
    count = np.array([len(chart.alarms) for chart in charts])
    first = np.array(
        [day_of(chart.alarms[0].date) - group.end if chart.alarms else np.inf for chart in charts]
    )
    doubted = np.array([bool(chart.doubt) for chart in charts])
    watched = np.minimum(first, AHEAD_DAYS).sum()
    alarmed = int(doubted[count > 0].sum())
    return [
        f"{watched / max(1, int((count > 0).sum())):.0f}",
        per_alarm(count),
        f"{100 * (first <= 30).mean():.0f} %",
        f"{100 * doubted.mean():.0f} %",
        f"{alarmed} of {int((count > 0).sum())}",
        per_alarm(count[~doubted]),
    ]


def per_alarm(count: Ints) -> str:
    return (
        f"{len(count) * AHEAD_DAYS / count.sum():.0f}" if count.sum() else f"over {len(count) * AHEAD_DAYS}"
    )


def several(people: int, seed: int) -> None:
    """Is the chosen interval kept by several measures together, none of which knows of the others?"""
    rows: list[list[object]] = []
    for measures in (len(WATCHED) - len(WORN), len(WATCHED)):
        group = drawn(seed, people * measures, autoregression(0.4))
        alarms: list[list[int]] = [[] for _ in range(people)]
        for number in range(people * measures):
            chart = group.chart(number, among=measures)
            alarms[number // measures] += [day_of(each.date) - group.end for each in chart.alarms]
        first = np.array([min(each, default=AHEAD_DAYS + 1) for each in alarms])
        counts = np.array([len(each) for each in alarms])
        rows.append([measures, per_alarm(counts), share(counts > 0), share(first <= 30)])
    heads = ["measures", "days per alarm of any", "any alarm within a year", "within 30 days"]
    table(f"{people} people, several measures, one alarm chosen in {CHOSEN_DAYS:.0f} days", heads, rows)


def several_lasting(people: int, seed: int) -> None:
    """How soon is a change told that one of several measures shows?"""
    rows: list[list[object]] = []
    lasts = 90
    for measures, size in product((1, len(WATCHED) - len(WORN), len(WATCHED)), (1.0, 2.0)):
        group = drawn(seed, people, autoregression(0.4), size=size, lasts=lasts)
        begin = group.end + CHANGE_DAY + 1
        charts = [group.chart(person, until=begin + lasts - 1, among=measures) for person in range(people)]
        calm = [chart for chart in charts if not any(day_of(each.date) < begin for each in chart.alarms)]
        told = [found_in(chart.alarms, begin, begin + lasts) for chart in calm]
        delay = np.array([day_of(each.date) - begin + 1 if each else np.inf for each in told])
        median = np.median(delay)
        within = [share(delay <= limit) for limit in (14, 28, 90)]
        rows.append(
            [measures, f"{size:g}", f"{median:.0f}" if np.isfinite(median) else f"over {lasts}", *within]
        )
    heads = ["measures", "size, SD", "median days until reported", "within 14", "28", "90"]
    table(f"{people} people, a change that one measure shows", heads, rows)


def dates(people: int, seed: int) -> None:
    """Is a change of three weeks dated and closed on the right day?"""
    rows: list[list[object]] = []
    for phi, size in [(0.4, 1.0), (0.4, 1.5), (0.4, 2.0), (0.4, 3.0), (0.0, 2.0), (0.6, 2.0)]:
        group = drawn(seed, people, autoregression(phi), size=size, lasts=CHANGE_DAYS)
        begin = group.end + CHANGE_DAY + 1
        over = begin + CHANGE_DAYS
        told = [
            found_in(group.chart(person, until=over + 42).alarms, begin, over) for person in range(people)
        ]
        found = [each for each in told if each is not None]
        errors = np.array([day_of(each.since) - begin for each in found])
        inside = [day_of(each.since_low) <= begin <= day_of(each.since_high) for each in found]
        width = [(each.since_high - each.since_low).days + 1 for each in found]
        ends = np.array([day_of(each.over_told) if each.over_told else np.inf for each in found])
        last = np.array([day_of(each.over) - over for each in found if each.over])
        rows.append(
            [
                f"{phi:g}", f"{size:g}", share([each is not None for each in told]),
                f"{np.abs(errors).mean():.1f}", share(errors < -7), share(errors > 7), share(inside),
                f"{np.median(width):.0f}", share(ends <= over + 7), share(ends < over),
                f"{np.median(ends - over):.0f}", f"{np.abs(last).mean():.1f}",
            ]
        )  # fmt: skip
    heads = [
        "autocorrelation", "size, SD", "reported while it lasted", "date off by, mean", "over a week early",
        "over a week late", "90 % interval includes it", "width of the interval in days, median",
        "closed within 7 days",
        "closed too soon", "days until reported as over, median", "end off by, mean",
    ]  # fmt: skip
    table(f"A change of {CHANGE_DAYS} days", heads, rows)


def lasting(people: int, seed: int) -> None:
    """How soon is a change told that lasts, and how often is it falsely called over?"""
    rows: list[list[object]] = []
    lasts = 120
    for days, size in product((BASELINE_DAYS, 70), (0.5, 1.0, 2.0)):
        setting = autoregression(0.4, baseline_days=days)
        group = drawn(seed, people, setting, size=size, lasts=lasts)
        begin = group.end + CHANGE_DAY + 1
        charts = [group.chart(person, until=begin + lasts - 1) for person in range(people)]
        calm = [chart for chart in charts if not any(day_of(each.date) < begin for each in chart.alarms)]
        told = [found_in(chart.alarms, begin, begin + lasts) for chart in calm]
        delay = np.array([day_of(each.date) - begin + 1 if each else np.inf for each in told])
        shown = [each for each in told if each]
        closed = [each.over_told is not None for each in shown]
        median = np.median(delay)
        rows.append(
            [
                days, f"{size:g}", f"{median:.0f}" if np.isfinite(median) else f"over {lasts}",
                *(share(delay <= limit) for limit in (14, 28, 90)), share(closed),
            ]
        )  # fmt: skip
    heads = [
        "baseline, days",
        "size, SD",
        "median days until reported",
        "within 14",
        "28",
        "90",
        "wrongly reported as over",
    ]
    table(f"A change that lasts {lasts} days", heads, rows)


def found_in(alarms: tuple[Alarm, ...], begin: int, over: int) -> Alarm | None:
    """Return the first alarm downwards that was told while the change lasted."""
    return next((a for a in alarms if a.direction < 0 and begin <= day_of(a.date) < over), None)


def day_of(date: dt.date) -> int:
    return (date - FIRST).days + 1


def share(which: Any) -> str:
    return f"{100 * np.mean(which):.0f} %" if len(which) else "-"


def observed(random: np.random.Generator, count: int, span: int) -> Ints:
    """Days with a recording: so many of a span, its first and last among them."""
    inner = random.choice(np.arange(2, span), count - 2, replace=False)
    return np.sort(np.concatenate([[1], inner, [span]])).astype(np.int64)


def drawn(seed: int, people: int, setting: Setting, *, size: float = 0.0, lasts: int = 0) -> People:
    """People with a baseline, and what comes after it."""
    random = np.random.default_rng(seed)
    span = setting.baseline_days
    usable = round(0.8 * span)
    values = simulate_days(random, people, span + AHEAD_DAYS, **setting.how)
    values[:, span + CHANGE_DAY : span + CHANGE_DAY + lasts] -= size
    number = np.arange(span + AHEAD_DAYS)
    phase = random.uniform(0, 2 * np.pi, (people, 1))
    values += setting.season_sd * np.sqrt(2) * np.cos(2 * np.pi * number / 365.25 + phase)
    later = number >= span
    error = np.sqrt(SAMPLING * np.where(later, setting.noisier, 1.0))
    values += np.sqrt(SAMPLING * np.where(later, setting.noisier - 1, 0.0)) * random.standard_normal(
        values.shape
    )
    after = span + 1 + np.flatnonzero(random.random(AHEAD_DAYS) >= 0.2)
    days = np.concatenate([observed(random, usable, span), after])
    dates = [FIRST + timedelta(int(day) - 1) for day in days]
    return People(days, values[:, days - 1], usable, error[days - 1] if setting.told else None, dates)


def light(people: int, seed: int) -> None:
    """Is poor light told as light, and not as a change of mood? And do the words say what was done?"""
    rows: list[list[object]] = []
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
    heads = [
        "what was done",
        "light or camera reported",
        "change reported",
        "change reported without checking the light",
    ]
    table(
        f"{people} people, 16 weeks, baseline of 7 weeks",
        [*heads, "size reported, interval includes the true one"],
        rows,
    )


def changes_of(days: pd.DataFrame, cut: object) -> list[Finding]:
    return list(findings(days, usual_of(days, cut), false_alarm_days=CHOSEN_DAYS))


def usual_of(days: pd.DataFrame, cut: object) -> Baseline:
    usual = Baseline.of(days.loc[days.index < cut])
    assert isinstance(usual, Baseline), usual
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


def table(title: str, heads: list[str], rows: list[list[object]]) -> None:
    print(f"{title}\n\n| {' | '.join(heads)} |\n|{' --- |' * len(heads)}")
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |")
    print(flush=True)


if __name__ == "__main__":
    main()
