"""A venue's figures as a table, CSV or Parquet: by hour, day or week; with differential privacy, if wanted.

Differential privacy (Dwork, McSherry, Nissim & Smith 2006, TCC, 265-284) adds noise, so that a table says
about as much whether any one visit was there or not. One visit moves a day's sums by as much as k visits
have: with one fewer than k the day is not kept at all. So the noise is k times that of a plain count.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, get_args

from mien.errors import ConfigError, OutputError
from mien.files import written_whole
from mien.install import extras_command
from mien.places.quantification import Interval
from mien.places.venue_figures import (
    SMILES,
    AnswerFigures,
    SmileDetector,
    VisitFigures,
    answer_figures,
    by_hour,
    place_of,
    visit_figures,
)
from mien.places.venue_summary import local_midnight, quantifiers, stations_of
from mien.store.venue_types import ANSWERS, LENGTHS_S, AnswerCell

if TYPE_CHECKING:
    import pandas as pd

    from mien.store.store import Store
    from mien.store.venue_types import VisitCell

_Cell = TypeVar("_Cell", "VisitCell", "AnswerCell")
By = Literal["hour", "day", "week"]

SUFFIXES: Final = (".csv", ".parquet")
"""What a table can be written as."""

LEAST_EPSILON: Final = 0.01
MOST_EPSILON: Final = 10.0

_SUMS: Final = {"visits": 1, "smiles": 1, "valence_sum": 1000}
"""What is published with differential privacy: each is at most 1 for a visit, in so many steps."""


def table_of(
    store: Store,
    venue: str,
    *,
    first: date,
    last: date,
    station: str | None = None,
    by: By = "day",
    epsilon: float | None = None,
    zone: tzinfo | None = None,
) -> pd.DataFrame:
    """Return a venue's figures as a table; each row stands on whole cells.

    Args:
        store: where they are kept.
        venue: its name.
        first: the first day.
        last: the last day.
        station: only this one; None for all together.
        by: "hour" for full hours, several where a cell is longer; "day"; or "week", from Monday on.
        epsilon: with differential privacy: how much one visit may show, over all of the table; less is more
            private. None for the figures themselves.
        zone: the venue's; None is the machine's own.

    Raises:
        MissingError: there is no such venue or station.
        ConfigError: epsilon or its rows can't be.
        OutputError: differential privacy needs OpenDP, which is missing.
    """
    if by not in get_args(By):
        raise ConfigError(f"by: expected hour, day or week, received {by!r}")
    with store.reading():
        stations = stations_of(store, venue, station)
        since, until = local_midnight(first, zone), local_midnight(last + timedelta(1), zone)
        cells = store.venues.cells(venue, station, since, until)
        answers = store.venues.answer_cells(venue, station, since, until)
    names = {"venue": venue, "station": station or ""}
    if epsilon is not None:
        if by == "hour":
            raise ConfigError("differential privacy: expected a table by day or week, received one by hour")
        days = [first + timedelta(n) for n in range((last - first).days + 1)]
        least = max(each.least for each in stations)
        rows = private_rows(days, cells, epsilon, by=by, least=least, zone=zone)
    elif by != "hour":
        rows = _rows(cells, answers, by, zone)
    else:
        rows = _hours(cells, zone)
    import pandas as pd

    empty = [*names, *(("day", "hour", "until_hour") if by == "hour" else (by,)), "visits"]
    return pd.DataFrame([names | row for row in rows], columns=None if rows else empty)


def save_table(table: pd.DataFrame, path: Path) -> Path:
    """Write a table as CSV or Parquet, by the name's ending.

    Raises:
        OutputError: another ending, or it can't be written.
    """
    check_suffix(path)
    with written_whole(path) as temporary:
        if path.suffix.lower() == ".csv":
            table.to_csv(temporary, index=False, lineterminator="\n")
        else:
            table.to_parquet(temporary, index=False)
    return path


def check_suffix(path: Path) -> None:
    """Raise unless a table can be written under a name.

    Raises:
        OutputError: it ends in none of `SUFFIXES`.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(
            f"cannot write {path}: expected a name in {' or '.join(SUFFIXES)}, received {path.suffix!r}"
        )


def private_rows(
    days: list[date],
    cells: list[VisitCell],
    epsilon: float,
    *,
    by: Literal["day", "week"] = "day",
    least: int,
    smiles: SmileDetector = SMILES,
    zone: tzinfo | None = None,
) -> list[dict[str, Any]]:
    """Return a row for each day or week, also where nothing was counted, with noise on its sums.

    The noise is OpenDP's, drawn in whole steps, so that no rounding of its own gives anything away. A visit
    belongs to one row, so that all rows together are as private as each of them; two tables of the same days
    together are only half as private.

    Args:
        days: all of them.
        cells: of these days.
        epsilon: for a row's sums together.
        by: what a row is of.
        least: k of the cells.
        smiles: how well smiles are found.
        zone: the venue's; None is the machine's own.

    Raises:
        ConfigError: epsilon is outside `LEAST_EPSILON` to `MOST_EPSILON`.
        OutputError: OpenDP is missing.
    """
    if not LEAST_EPSILON <= epsilon <= MOST_EPSILON:
        raise ConfigError(f"epsilon: expected {LEAST_EPSILON:g} to {MOST_EPSILON:g}, received {epsilon:g}")
    begins = sorted({_begin(day, by) for day in days})
    counted = _grouped(cells, by, zone)
    inside = [counted.get(begin, []) for begin in begins]
    sums = {
        "visits": [sum(each.visits for each in of_day) for of_day in inside],
        "smiles": [sum(each.smiles for each in of_day) for of_day in inside],
        "valence_sum": [round(1000 * sum(each.valence for each in of_day)) for of_day in inside],
    }
    each_epsilon = epsilon / len(_SUMS)
    noisy = {name: _noisy(sums[name], least * steps, each_epsilon) for name, steps in _SUMS.items()}
    rows = []
    for place, begin in enumerate(begins):
        visits, smiled, valence = (noisy[name][place] / steps for name, steps in _SUMS.items())
        enough = visits >= 2 * least  # shares of nearly nothing are noise alone
        share = min(max(smiles.share(smiled, visits), 0), 1) if enough else None
        rows.append(
            {
                by: begin.isoformat(),
                "visits": round(visits),
                "smiles": round(smiled),
                "valence_sum": round(valence, 3),
                "smiling": share and round(share, 3),
                "valence": round(min(max(valence / visits, -1), 1), 3) if enough else None,
                "epsilon": epsilon,
            }
        )
    return rows


def _noisy(values: list[int], sensitivity: int, epsilon: float) -> list[int]:
    """Add discrete Laplace noise to what one visit changes by `sensitivity` at the most, in one place."""
    try:
        from opendp.domains import atom_domain, vector_domain
        from opendp.measurements import make_laplace
        from opendp.metrics import l1_distance
        from opendp.mod import enable_features
    except ModuleNotFoundError as error:
        raise OutputError(f"differential privacy needs OpenDP: {extras_command('privacy')}") from error
    enable_features("contrib")
    space = vector_domain(atom_domain(T=int)), l1_distance(T=int)
    # A little more noise than needed, as the loss is computed with its rounding upwards.
    measurement = make_laplace(*space, scale=sensitivity / epsilon * (1 + 1e-9))
    assert measurement.map(d_in=sensitivity) <= epsilon
    return list(measurement(values))


def _rows(
    cells: list[VisitCell], answers: list[AnswerCell], by: Literal["day", "week"], zone: tzinfo | None
) -> list[dict[str, Any]]:
    counted, answered = _grouped(cells, by, zone), _grouped(answers, by, zone)
    known = quantifiers()
    return [
        {by: begin.isoformat()}
        | _visits(visit_figures(counted.get(begin, ()), quantifiers=known))
        | _answers(answer_figures(answered.get(begin, ())))
        for begin in sorted({*counted, *answered})
    ]


def _grouped(
    cells: Iterable[_Cell], by: Literal["day", "week"], zone: tzinfo | None
) -> dict[date, list[_Cell]]:
    found: dict[date, list[_Cell]] = {}
    for cell in cells:
        found.setdefault(_begin(place_of(cell, zone)[0], by), []).append(cell)
    return found


def _begin(day: date, by: Literal["day", "week"]) -> date:
    return day if by == "day" else day - timedelta(day.weekday())


def _hours(cells: list[VisitCell], zone: tzinfo | None) -> list[dict[str, Any]]:
    return [
        {"day": each.day.isoformat(), "hour": each.first, "until_hour": each.end} | _visits(each.figures)
        for each in by_hour(cells, zone=zone, quantifiers=quantifiers())
    ]


def _visits(figures: VisitFigures | None) -> dict[str, Any]:
    if figures is None:
        return {}
    return {
        "visits": figures.visits,
        "open_s": round(figures.open_s, 1),
        "blind_s": round(figures.blind_s, 1),
        **_interval("smiling", figures.smiling),
        **_interval("valence", figures.valence),
        **_interval("change", figures.change),
        "length_s": round(figures.length_s, 1),
        **{f"visits_from_{low:g}_s": many for low, many in zip(LENGTHS_S, figures.lengths, strict=True)},
        **{
            name: value
            for label, share in figures.shares.items()
            for name, value in _interval(label, share).items()
        },
    }


def _answers(figures: AnswerFigures | None) -> dict[str, Any]:
    if figures is None:
        return {}
    names = [f"answers_{name.replace(' ', '_')}" for name in ANSWERS]
    return dict(zip(names, figures.counts, strict=True)) | _interval("answers_mean", figures.mean)


def _interval(name: str, figure: Interval) -> dict[str, float]:
    return {
        name: round(figure.value, 4),
        f"{name}_low": round(figure.low, 4),
        f"{name}_high": round(figure.high, 4),
    }
