"""A person's own baseline: what is usual for them, by measure, over a stretch of their own days.

It is a value: made once from days that somebody chose, kept as JSON, and made anew only deliberately. A
baseline that followed the days by itself would follow a slow change too, and never tell it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mien.errors import ConfigError
from mien.labels import EMOTIONS
from mien.wording import count

Floats = NDArray[np.float64]

_CONNECTION: Final = re.compile(r"^browser-\d+$")

LEAST_DAY_MINUTES: Final = 2.0
"""A day with less usable time than this isn't counted."""

LEAST_DAYS: Final = 5
"""Days from which there is a picture."""

LEAST_MINUTES: Final = 20.0
"""Usable minutes, over all these days, from which there is a picture."""

LEAST_DAYS_FOR_ALARM: Final = 28
"""Days from which changes are told: limits from fewer are too unsure, see docs/change.md."""

MAD_TO_SD: Final = 1.4826
"""The standard deviation of normally distributed values, by their median absolute deviation."""

_NINE_OF_TEN_SD: Final = 1.645
_VERSION: Final = 1
_NO_MEASURES: Final = frozenset({"minutes", "usable_minutes", "recordings", "simulated", "network"})
_CAMERA_DAYS: Final = 3
"""A name on fewer of the baseline's days is no camera that is there again and again, but perhaps a film."""


@dataclass(frozen=True, slots=True)
class NotReady:
    """Why there is no baseline yet.

    Attributes:
        reason: in words, with what is missing.
        days: usable days so far.
        minutes: usable minutes on them.
    """

    reason: str
    days: int
    minutes: float


@dataclass(frozen=True, eq=False)
class BaselineMeasure:
    """One measure over the baseline's days.

    Attributes:
        dates: (n,) the usable days on which the measure has a figure, rising.
        values: (n,) their figures.
    """

    dates: tuple[date, ...]
    values: Floats

    @property
    def days(self) -> int:
        """How many days it stands on."""
        return len(self.dates)

    @cached_property
    def median(self) -> float:
        """Of the days' figures."""
        return float(np.median(self.values))

    @cached_property
    def mad(self) -> float:
        """Median absolute deviation of the days' figures, not scaled."""
        return float(np.median(np.abs(self.values - self.median)))

    def on(self, day: date) -> float | None:
        """Return a day's figure; None where it has none."""
        return self._by_date.get(day)

    @cached_property
    def _by_date(self) -> dict[date, float]:
        return dict(zip(self.dates, self.values.tolist(), strict=True))

    @property
    def sd(self) -> float:
        """Standard deviation of own days, from the MAD: single odd days don't move it."""
        return MAD_TO_SD * self.mad

    @property
    def range(self) -> tuple[float, float]:
        """The ends between which nine of ten usual days lie, if days are normally distributed."""
        reach = _NINE_OF_TEN_SD * self.sd
        return self.median - reach, self.median + reach


@dataclass(frozen=True, eq=False)
class Baseline:
    """What is usual for a person.

    Attributes:
        start, end: the first and the last usable day.
        days: how many usable days.
        minutes: usable minutes on them.
        measures: by name, those that have a figure on at least `LEAST_DAYS` days.
        neutral: (8,) the probabilities of the person's own neutral face, in the order of `labels.EMOTIONS`;
            None where it isn't known. See `expressivity.own_neutral`: it is the mean while the face was read
            as neutral, however seldom that was.
        cameras: what most of it was filmed with; empty where the days don't say, or name another each day.
        network: what gave the readings of all its days; "" where the days don't say. Numbers of two networks
            don't mean the same, so days that another one read are never part of it, nor compared with it.
    """

    start: date
    end: date
    days: int
    minutes: float
    measures: Mapping[str, BaselineMeasure]
    neutral: Floats | None = None
    cameras: tuple[str, ...] = ()
    network: str = ""

    @classmethod
    def of(
        cls,
        days: pd.DataFrame,
        *,
        start: date | None = None,
        end: date | None = None,
        neutral: ArrayLike | None = None,
    ) -> Baseline | NotReady:
        """Take a stretch of a person's days as what is usual.

        Args:
            days: one row a day, by date; columns `usable_minutes`, one for each measure, and where it is
                known `camera`, the names of the day's cameras with ", " between. Missing days are no rows,
                missing figures NaN.
            start: the first day to take; the first there is where left out.
            end: the last day to take; the last there is where left out.
            neutral: (8,) the person's own neutral face over these days.

        Returns:
            The baseline, or why there is none.
        """
        chosen = usable(days)
        chosen = chosen.loc[(chosen.index >= (start or date.min)) & (chosen.index <= (end or date.max))]
        network, read = _last_network(chosen), len(chosen)
        if "network" in chosen:
            chosen = chosen.loc[chosen["network"] == network]
        others = read - len(chosen)
        minutes = float(chosen["usable_minutes"].sum())
        if len(chosen) < LEAST_DAYS or minutes < LEAST_MINUTES:
            return _not_ready(len(chosen), minutes, others)
        names = [name for name in chosen.columns if _is_measure(str(name), chosen)]
        measures = {str(name): _measure(chosen[name].dropna()) for name in names}
        return cls(
            start=chosen.index[0],
            end=chosen.index[-1],
            days=len(chosen),
            minutes=minutes,
            measures={name: each for name, each in measures.items() if each.days >= LEAST_DAYS},
            neutral=_neutral(neutral),
            cameras=_cameras(chosen["camera"]) if "camera" in chosen else (),
            network=network,
        )

    @property
    def alarms_ready(self) -> bool:
        """Whether changes may be told from it."""
        return self.days >= LEAST_DAYS_FOR_ALARM

    @property
    def missing_for_alarms(self) -> str:
        """What is missing until changes can be told; empty where nothing is."""
        lacking = LEAST_DAYS_FOR_ALARM - self.days
        if lacking <= 0:
            return ""
        return (
            f"changes can't be reported yet: the baseline has {count(self.days, 'usable day')}, "
            f"it needs {lacking} more (at least {LEAST_DAYS_FOR_ALARM})"
        )

    def to_json(self) -> str:
        """Write it as JSON, to be kept."""
        dates = sorted({day for each in self.measures.values() for day in each.dates})
        figures = {name: [each.on(day) for day in dates] for name, each in self.measures.items()}
        return json.dumps(
            {
                "version": _VERSION,
                "start": self.start.isoformat(),
                "end": self.end.isoformat(),
                "days": self.days,
                "minutes": self.minutes,
                "neutral": None if self.neutral is None else self.neutral.tolist(),
                "cameras": list(self.cameras),
                "network": self.network,
                "dates": [each.isoformat() for each in dates],
                "measures": figures,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Baseline:
        """Read what `to_json` wrote.

        Raises:
            ConfigError: when it is no baseline, or one of a newer Mien.
        """
        try:
            read: dict[str, Any] = json.loads(text)
            if read["version"] != _VERSION:
                raise ConfigError(
                    f"baseline: expected version {_VERSION}, received {read['version']}; update mien"
                )
            return cls(
                start=date.fromisoformat(read["start"]),
                end=date.fromisoformat(read["end"]),
                days=int(read["days"]),
                minutes=float(read["minutes"]),
                measures={str(name): _read(read["dates"], each) for name, each in read["measures"].items()},
                neutral=_neutral(read["neutral"]),
                cameras=tuple(sorted(set(map(_camera, read["cameras"])))),
                network=str(read.get("network", "")),
            )
        except (ValueError, TypeError, KeyError) as error:
            raise ConfigError(f"baseline: can't be read ({error!r}); take a new one") from error


def usable(days: pd.DataFrame) -> pd.DataFrame:
    """Return the days with at least `LEAST_DAY_MINUTES` usable minutes, by rising date."""
    kept = days.loc[days["usable_minutes"] >= LEAST_DAY_MINUTES].copy()
    kept.index = pd.Index([_date(each) for each in kept.index], dtype=object)
    return kept.sort_index()


def _date(day: Any) -> date:
    return pd.Timestamp(day).date()


def _is_measure(name: str, days: pd.DataFrame) -> bool:
    is_end = name.endswith(("_low", "_high")) and name.rsplit("_", 1)[0] in days.columns
    return name not in _NO_MEASURES and not is_end and pd.api.types.is_numeric_dtype(days[name])


def _measure(figures: pd.Series[Any]) -> BaselineMeasure:
    return BaselineMeasure(tuple(figures.index), figures.to_numpy(np.float64))


def _read(dates: Sequence[str], figures: Sequence[float | None]) -> BaselineMeasure:
    known = [(day, value) for day, value in zip(dates, figures, strict=True) if value is not None]
    return BaselineMeasure(
        tuple(date.fromisoformat(day) for day, _ in known),
        np.array([value for _, value in known], np.float64),
    )


def _cameras(names: pd.Series[Any]) -> tuple[str, ...]:
    by_day = [cameras_of(each) for each in names]
    count = Counter(name for day in by_day for name in day)
    known = {name for name, days in count.items() if days >= _CAMERA_DAYS}
    return tuple(sorted(known)) if 2 * sum(bool(day & known) for day in by_day) > len(by_day) else ()


def cameras_of(names: object) -> frozenset[str]:
    """Return a day's cameras from its cell in the column `camera`.

    Browsers' cameras are all one: "browser-4" counts the page's connections, and says nothing of the device.
    """
    return frozenset(map(_camera, names.split(", "))) if isinstance(names, str) and names else frozenset()


def _camera(name: str) -> str:
    return _CONNECTION.sub("browser", name)


def _neutral(probabilities: ArrayLike | None) -> Floats | None:
    if probabilities is None:
        return None
    vector = np.array(probabilities, np.float64)
    if vector.shape != (len(EMOTIONS),):
        raise ValueError(f"expected a neutral face of {len(EMOTIONS)} probabilities, received {vector.shape}")
    vector.flags.writeable = False
    return vector


def _last_network(days: pd.DataFrame) -> str:
    """Return what read the last of the days that one network read alone."""
    alone = [str(each) for each in days.get("network", ()) if ", " not in str(each)]
    return alone[-1] if alone else ""


def same_network(network: object, baseline: Baseline) -> bool:
    """Return whether a day's readings mean what the baseline's do, from its cell in the column `network`.

    A baseline that does not say which network it is of was taken before shares were recorded: it can be
    compared with days of that time only.
    """
    if not isinstance(network, str) or not network:
        return True
    return network == baseline.network if baseline.network else "shares-" not in network


def _not_ready(days: int, minutes: float, others: int) -> NotReady:
    have = f"{count(days, 'usable day')} with {count(round(minutes), 'usable minute')} so far"
    need = f"at least {LEAST_DAYS} days and {LEAST_MINUTES:.0f} minutes are needed"
    left_out = f"; {others} more {'day was' if others == 1 else 'days were'} read by another network"
    return NotReady(f"no baseline yet: {have}; {need}{left_out if others else ''}", days, minutes)
