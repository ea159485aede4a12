"""What a venue's figures may promise: shares from cells, and effects told from chance.

    python benchmarks/venue_figures.py shares   # PublicTest, re-mixed at random as visits
    python benchmarks/venue_figures.py effects  # days that hang together or don't
    python benchmarks/venue_figures.py levels   # false alarms, and levels that moved

`shares` needs `faces/fer2013.parquet` in the shared data. PublicTest has fitted nothing.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crowds import PublicTest
from mien.places.effects import MEASURES, SURE, difference_by_permutation, widening_of
from mien.places.level_changes import BASELINE_DAYS, WATCHED_DAYS, level_changes
from mien.places.venue import Visit
from mien.places.venue_cells import CellMaker
from mien.places.venue_figures import visit_figures
from mien.store.venue_types import Station, VisitCell

Floats = NDArray[np.float64]

EDGE = 1e-9


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=sorted(PARTS))
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("MIEN_SHARED", "../shared")))
    parser.add_argument("--network", default="mien")
    parser.add_argument("--rounds", type=int, default=300, help="random mixes, or stretches of days")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    PARTS[options.what](options)


def shares(options: argparse.Namespace) -> None:
    """Put each face into a visit of its own, the visits into cells, and ask these for the mix."""
    faces = PublicTest(options)
    read = {px: faces.read(px) for px in (16, 24, 48)}
    print("| visits | their faces, px | labels counted | from cells | ratio | 90 % interval holds |")
    print("| --- " * 6 + "|")
    for count in (50, 100, 200, 400, 800):
        for sizes in ((48,), (16, 24, 48)):
            random = np.random.default_rng(options.seed)
            plain, own, held = [], [], []
            for _ in range(options.rounds):
                chosen, true = faces.mixed(count, random)
                px = random.choice(sizes, count)
                labels = np.array([read[size][1][face] for size, face in zip(px, chosen, strict=True)])
                evidence = np.stack([read[size][0][face] for size, face in zip(px, chosen, strict=True)])
                found = _from_cells(faces, evidence, px, random.permutation(count))
                counted = np.bincount(labels[labels >= 0], minlength=len(true)) / count
                plain.append(np.abs(counted - true))
                own.append([abs(each.value - share) for each, share in zip(found, true, strict=True)])
                held.append(
                    [
                        each.low - EDGE <= share <= each.high + EDGE
                        for each, share in zip(found, true, strict=True)
                    ]
                )
            errors = [100 * float(np.mean(each)) for each in (plain, own)]
            print(
                f"| {count} | {' '.join(map(str, sizes))} | {errors[0]:.1f} | {errors[1]:.1f} |"
                f" {errors[1] / errors[0]:.2f} | {100 * np.mean(held):.0f} % |",
                flush=True,
            )


def _from_cells(faces: PublicTest, evidence: Floats, px: Floats, order: NDArray[np.int64]) -> list:
    quantifier = faces.quantifier
    station, at = Station("corner", "till", "camera:0"), datetime(2026, 5, 4, 9, tzinfo=UTC)
    maker, sizes = CellMaker(station, quantifier.network, zone=UTC), quantifier.size_weights(px)
    for number, face in enumerate(order):
        visit = Visit(0, 20, tuple(evidence[face]), tuple(sizes[face]), 0.0, 0.0, False)
        maker.add(visit, at + number * timedelta(seconds=40))
    cells = maker.close()
    figures = visit_figures(cells, quantifiers={quantifier.network: quantifier})
    assert figures is not None
    assert figures.visits == len(order)
    return [figures.shares[label] for label in quantifier.labels]


def effects(options: argparse.Namespace) -> None:
    """Draw days before and after a mark that did something, and one that did nothing."""
    print(
        "| days on each side | carried over to the next day | interval holds | false effects of one measure |"
    )
    print("| --- " * 4 + "|")
    for side in (12, 18, 28):
        for carry in (0.0, 0.2, 0.4, 0.6):
            random, held, false = np.random.default_rng(options.seed), 0, 0
            weekday, after = np.arange(2 * side) % 6, np.arange(2 * side) >= side
            for number in range(options.rounds):
                noise = random.standard_normal(2 * side)
                for day in range(1, len(noise)):
                    noise[day] = carry * noise[day - 1] + np.sqrt(1 - carry**2) * noise[day]
                values = noise + (weekday >= 4)
                _, difference, p = difference_by_permutation(
                    values,
                    after,
                    weekday,
                    widening=widening_of(values, after, weekday),
                    seed=number,
                )
                held += difference.low <= 0 <= difference.high
                false += p <= SURE / len(MEASURES)
            print(
                f"| {side} | {100 * carry:.0f} % | {100 * held / options.rounds:.0f} % |"
                f" {100 * false / options.rounds:.1f} % |",
                flush=True,
            )


def levels(options: argparse.Namespace) -> None:
    """Watch days that carry over to the next, with and without a level that moves.

    The level of the valence moves by so many standard deviations of its days, four weeks before the end.
    """
    print("| carried over | moved by | told | days until told | first day in its interval | false alarms |")
    print("| --- " * 6 + "|")
    start = datetime(2026, 1, 5, 12, tzinfo=UTC)
    moved_from = WATCHED_DAYS - 28
    for phi in (0.0, 0.3, 0.6):
        for moved in (0.0, 1.0, 2.0, 3.0):
            random = np.random.default_rng(options.seed)
            told, delays, within, false = 0, [], 0, 0
            for _ in range(options.rounds):
                noise = random.standard_normal((3, WATCHED_DAYS))
                for day in range(1, WATCHED_DAYS):
                    noise[:, day] = phi * noise[:, day - 1] + np.sqrt(1 - phi**2) * noise[:, day]
                noise[1, moved_from:] += moved
                cells = [_day_of(start + timedelta(day), *noise[:, day]) for day in range(WATCHED_DAYS)]
                last = cells[-1].start.date()
                found = level_changes(last, cells, zone=UTC).changes
                true_day = (start + timedelta(moved_from)).date()
                right = [
                    each
                    for each in found
                    if each.measure == "valence" and moved and each.since[2] >= true_day
                ]
                false += len(found) - len(right)
                if right:
                    told += 1
                    within += right[0].since[1] <= true_day <= right[0].since[2]
                    delays.append(_told_after(cells, true_day))
            rate = options.rounds * (WATCHED_DAYS - BASELINE_DAYS) / max(false, 1)
            cells_shown = (
                f"{phi:.0%}", f"{moved:g} SD", f"{told / options.rounds:.0%}" if moved else "",
                f"{np.median(delays):.0f}" if delays else "", f"{within / told:.0%}" if told else "",
                f"one in {rate:.0f} days" if false else "none",
            )  # fmt: skip
            print("| " + " | ".join(cells_shown) + " |")


def _day_of(start: datetime, smiling: float, valence: float, length: float) -> VisitCell:
    """Return a day of 200 visits, its figures so many standard deviations from usual."""
    bright = 0.1 if start.weekday() >= 5 else 0.0
    visits = 200
    smiles = round(visits * min(max(0.4 + bright + 0.04 * smiling, 0.0), 1.0))
    return VisitCell(
        "cafe", "till", start, start + timedelta(hours=1), visits,
        evidence=(), products=(), sizes=(), valence=visits * (0.1 + bright + 0.03 * valence),
        valence_squares=0.0, change=0.0, change_squares=0.0, smiles=smiles, lengths=(),
        length_s=visits * (46 + 4 * length), open_s=3600.0, blind_s=0.0, network="made",
    )  # fmt: skip


def _told_after(cells: list[VisitCell], true_day: date) -> int:
    """Return after how many days a change of the valence was told, as the days came."""
    for number in range(1, 29):
        until = true_day + timedelta(number - 1)
        before = [each for each in cells if each.start.date() <= until]
        found = level_changes(until, before, zone=UTC).changes
        if any(each.measure == "valence" and each.since[2] >= true_day for each in found):
            return number
    return 28


PARTS: dict[str, Callable[[argparse.Namespace], None]] = {
    part.__name__: part for part in (shares, effects, levels)
}

if __name__ == "__main__":
    main()
