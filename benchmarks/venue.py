"""What `mien venue` may promise: visits and their lengths, who smiles, whom it never counts, and speed.

    python benchmarks/venue.py smiles    # the threshold of a smile, by one half of London's people
    python benchmarks/venue.py visits    # made tills with the other half: visits, lengths, smiles, staff
    python benchmarks/venue.py speed     # a till of 640x480 with three faces

It needs `people/london` in the shared data (Face Research Lab London Set, DeBruine & Jones, CC BY 4.0).
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

import made_crowds as made
import made_venue as venue
from mien.config import load_settings
from mien.pipeline import Pipeline
from mien.places import visits as counting
from mien.places.quantification import Quantifier
from mien.places.venue import Visit
from mien.places.venue_figures import SMILES
from mien.places.visits import SmileMeter, VisitCounter, happiness_odds
from mien.places.zones import Masked, Zones
from mien.processors import usable_cores
from mien.source import open_source
from mien.store.venue_types import Zone
from mien.types import Faces, Frame

YUNET = "face_detection_yunet_2026may.onnx"
ZONES = (Zone("count", venue.TILL), Zone("ignore", venue.STAFF))
ALLOWED = 0.03
"""How many visits without a smile may count as one with: sets the threshold."""
SPARE = 2.5
"""So far above the highest of them, in log-odds, a face smiles whatever it is like at rest: much, for people
who talk and turn are not in these films."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=sorted(PARTS))
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("MIEN_SHARED", "../shared")))
    parser.add_argument("--network", default="mien")
    parser.add_argument("--detector", choices=("yunet", "mtcnn"), default="yunet")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--guests", type=int, default=40, help="visits of each run")
    parser.add_argument("--rate", type=int, default=10, help="frames a second")
    parser.add_argument("--first", type=int, default=0, help="seed of the first run")
    options = parser.parse_args()
    PARTS[options.what](options)


class Till:
    """Makes films of guests and reads them."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.london = options.shared / "data" / "people" / "london"
        self.faces = (made.portraits(self.london, "neutral"), made.portraits(self.london, "smiling"))
        self.fitted, self.measured = venue.halves(self.london)
        self.rate = options.rate
        choices: dict[str, Any] = {
            "network": options.network,
            "threads": 1,
            "detector": options.detector,
            "redetect_s": counting.REDETECT_S,
        }
        if options.detector == "yunet":
            choices["detector_model"] = options.shared / "models" / YUNET
        self.pipeline = Pipeline(load_settings(**choices))
        self.quantifier = Quantifier(self.pipeline.network.sidecar)

    def read(self, guests: list[venue.Guest], seed: int) -> Iterator[tuple[Frame, Faces]]:
        """Draw a film, compress it, and read it as a station does."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "till.mp4"
            frames = venue.film(guests, self.faces, self.rate, seed)
            made.write_film(path, frames, self.rate, preset="superfast")
            yield from self.pipeline.stream(Masked(open_source(path), Zones(ZONES)))

    def counter(self) -> VisitCounter:
        """Make a counter as a station has it."""
        return VisitCounter(ZONES, self.quantifier)


@dataclass
class Seen:
    """What was seen of a guest: whose it was, and how the visit's smile meter stood at its end."""

    who: int
    smiles: bool
    always: bool
    calm: float
    peak: float


def smiles(options: argparse.Namespace) -> None:
    till = Till(options)
    seen = list(smile_readings(till, venue.calm(till.fitted, np.random.default_rng(1000 + options.first))))
    told = [each for each in seen if each.smiles and not each.always]
    calm = [each for each in seen if not each.smiles]
    print(f"{len(till.fitted)} people, {len(told)} visits with a smile, {len(calm)} without")
    show_quantiles("contrast, no smile", [each.peak - each.calm for each in calm])
    show_quantiles("contrast, smile", [each.peak - each.calm for each in told])
    show_quantiles("peak, no smile", [each.peak for each in calm])
    show_quantiles("peak, smile", [each.peak for each in told])
    contrast, sure = thresholds(seen)
    print(f"{ALLOWED:.0%} without a smile exceed a contrast of {contrast:.2f}; a sure smile: {sure:.2f}")
    found, false = left_out(seen)
    print(f"thresholds by the others: found {found:.3f} (always smiling or not), false {false:.3f}")


def thresholds(seen: list[Seen]) -> tuple[float, float]:
    """Return the contrast that few visits without a smile exceed, and a level well above all of them."""
    calm = [each for each in seen if not each.smiles]
    contrast = float(np.quantile([each.peak - each.calm for each in calm], 1 - ALLOWED))
    return contrast, max(each.peak for each in calm) + SPARE


def show_quantiles(name: str, values: list[float]) -> None:
    shares = (0, 0.03, 0.1, 0.5, 0.9, 0.97, 1)
    print(
        f"{name}: "
        + ", ".join(f"{q:.0%} {v:.2f}" for q, v in zip(shares, np.quantile(values, shares), strict=True))
    )


def left_out(seen: list[Seen]) -> tuple[float, float]:
    """Tell each person's smiles by the thresholds of all others; return the shares found, and false."""
    hits: dict[bool, list[bool]] = {True: [], False: []}
    for who in sorted({each.who for each in seen}):
        contrast, sure = thresholds([each for each in seen if each.who != who])
        for each in seen:
            if each.who == who:
                hits[each.smiles].append(each.peak >= sure or each.peak - each.calm >= contrast)
    return float(np.mean(hits[True])), float(np.mean(hits[False]))


def smile_readings(till: Till, guests: list[venue.Guest]) -> Iterator[Seen]:
    """Read guests at both places, and give how each one's smile meter stood at the end."""
    meters = [SmileMeter() for _ in guests]
    stays = [guest.stay() or (0.0, 0.0) for guest in guests]
    left = [guest.at(stay[0])[0] < venue.SIZE_WH[0] / 2 for guest, stay in zip(guests, stays, strict=True)]
    for frame, faces in till.read(guests, 0):
        good = faces[faces.quality >= counting.LEAST_QUALITY]
        for x, odds in zip(
            good.xyxy[:, ::2].mean(axis=1), happiness_odds(till.quantifier, good), strict=True
        ):
            for place, (start_s, end_s) in enumerate(stays):
                if start_s <= frame.time_s <= end_s and left[place] == (x < venue.SIZE_WH[0] / 2):
                    meters[place].see(float(odds), frame.time_s)
    for guest, meter in zip(guests, meters, strict=True):
        always = guest.smile is not None and guest.smile[0] < guest.start_s
        yield Seen(guest.portrait, guest.smile is not None, always, meter.calm, meter.peak)


def visits(options: argparse.Namespace) -> None:
    till = Till(options)
    print(
        f"{len(till.measured)} people who have set no threshold; {options.rate} frames a second;"
        f" {options.detector}"
    )
    print(
        "| run | visits | counted | missed | too many | lengths off by, s: mean | 95 % | staff | smiling"
        " | estimate | holds |"
    )
    print("| --- " * 11 + "|")
    totals = np.zeros(4, int)
    off: list[float] = []
    held, smiling = 0, np.zeros((2, 2), int)
    for run in range(options.first, options.first + options.runs):
        random = np.random.default_rng(run)
        share = float(random.uniform(0.2, 0.8))
        guests, others = venue.busy(till.measured, options.guests, share, random)
        true = [(guest, stay) for guest in guests if (stay := guest.stay())]
        counter, found = till.counter(), []
        staff = 0
        for frame, faces in till.read([*guests, *others], run):
            found += counter.take(frame, faces)
            staff += in_staffs_zone(faces)
        found += counter.end()
        pairs = matched([stay for _, stay in true], found)
        errors = [abs(found[b].length_s - (true[a][1][1] - true[a][1][0])) for a, b in pairs]
        for a, b in pairs:
            smiling[int(true[a][0].smile is not None), int(found[b].smiled)] += 1
        smiled = sum(guest.smile is not None for guest, _ in true) / len(true)
        known = SMILES.interval(sum(visit.smiled for visit in found), len(found))
        holds = known.low <= smiled <= known.high
        held += holds
        off += errors
        counts = len(true), len(found), len(true) - len(pairs), len(found) - len(pairs)
        totals += counts
        print(
            f"| {run} | {' | '.join(map(str, counts))} | {np.mean(errors):.2f}"
            f" | {np.quantile(errors, 0.95):.2f} | {staff} | {smiled:.0%}"
            f" | {known.value:.0%} ({known.low:.0%}-{known.high:.0%})"
            f" | {'yes' if holds else 'no'} |",
            flush=True,
        )
    print(f"all: {totals.tolist()}; counted {totals[1] / totals[0] - 1:+.1%}")
    print(f"lengths off by {np.mean(off):.2f} s, within 0.5 s {np.mean(np.array(off) <= 0.5):.1%}")
    print(f"the interval holds in {held} of {options.runs}")
    (calm, false), (missed, hit) = smiling.tolist()
    print(f"smiles found {hit} of {hit + missed}, false {false} of {false + calm}")


def in_staffs_zone(faces: Faces) -> int:
    """Count faces whose middle is in the staff's zone."""
    middles = (faces.xyxy[:, :2] + faces.xyxy[:, 2:]) / 2 / venue.SIZE_WH
    low, high = np.min(venue.STAFF, axis=0), np.max(venue.STAFF, axis=0)
    return int(((middles >= low) & (middles <= high)).all(axis=1).sum())


def matched(stays: list[tuple[float, float]], found: list[Visit]) -> list[tuple[int, int]]:
    """Give each stay the visit that overlaps it by most; those that overlap by less than half have none."""
    shares = np.array(
        [[overlap(stay, (visit.start_s, visit.end_s)) for visit in found] for stay in stays]
    ).reshape(len(stays), len(found))
    rows, columns = linear_sum_assignment(-shares)
    return [(a, b) for a, b in zip(rows.tolist(), columns.tolist(), strict=True) if shares[a, b] >= 0.5]


def overlap(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Return the time of both over the time of either."""
    both = min(first[1], second[1]) - max(first[0], second[0])
    return max(0.0, both) / (max(first[1], second[1]) - min(first[0], second[0]))


def speed(options: argparse.Namespace) -> None:
    """Time a till with three faces; the clock of a busy machine says little, unlike its processors' time."""
    till = Till(options)
    three = [
        replace(
            venue.guest(who, 0.0, np.random.default_rng(who), smiles=True, place=0),
            path=((-9.0, x, 260.0, px), (99.0, x, 260.0, px)),
        )
        for who, x, px in zip(till.measured, (170.0, 320.0, 470.0), (80.0, 70.0, 90.0), strict=False)
    ]
    with tempfile.TemporaryDirectory() as folder:
        path, seconds = Path(folder) / "till.mp4", 10
        made.write_film(path, venue.film(three, till.faces, 25, 0, seconds), 25)
        counter, seen = till.counter(), []
        clock_s, busy_s = perf_counter(), process_time()
        for frame, faces in till.pipeline.stream(Masked(open_source(path), Zones(ZONES))):
            counter.take(frame, faces)
            counter.usable(frame, faces)
            seen.append(len(faces))
        clock_s, busy_s = perf_counter() - clock_s, process_time() - busy_s
    print(
        f"load {os.getloadavg()[0]:.1f}, {usable_cores()} cores, {options.detector};"
        f" {np.mean(seen):.2f} faces a frame"
    )
    print(
        f"{len(seen)} frames: {clock_s:.2f} s by the clock ({len(seen) / clock_s:.1f} a second),"
        f" {busy_s:.2f} s of processors, {1000 * busy_s / len(seen):.1f} ms a frame:"
        f" {len(seen) / busy_s:.0f} a second on one core"
    )


PARTS: dict[str, Callable[[argparse.Namespace], None]] = {
    part.__name__: part for part in (smiles, visits, speed)
}

if __name__ == "__main__":
    main()
