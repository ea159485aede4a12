"""What a venue's figures may promise: shares from cells, and effects told from chance.

    python benchmarks/venue_figures.py shares   # PublicTest, re-mixed at random as visits
    python benchmarks/venue_figures.py effects  # days that hang together or don't

`shares` needs `faces/fer2013.parquet` in the shared data. PublicTest has fitted nothing.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crowds import PublicTest
from mien.places.effects import MEASURES, SURE, difference_by_permutation, widening_of
from mien.places.venue import Visit
from mien.places.venue_cells import CellMaker
from mien.places.venue_figures import visit_figures
from mien.store.venue_types import Station

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


PARTS: dict[str, Callable[[argparse.Namespace], None]] = {part.__name__: part for part in (shares, effects)}

if __name__ == "__main__":
    main()
