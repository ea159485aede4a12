"""A made till, read whole: compressed film, zones, tracker, network, visits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.config import load_settings
from mien.pipeline import Pipeline
from mien.places.quantification import Quantifier
from mien.places.venue import Visit
from mien.places.visits import VisitCounter
from mien.places.zones import Masked, Zones
from mien.source import open_source
from mien.store.venue_types import Zone
from places.made import made_crowds, made_venue

RATE_HZ = 10


def read(shared: Path, tmp_path: Path, guests: list[object]) -> tuple[list[Visit], int]:
    """Return the visits that a station counts, and how many faces were ever seen in the staff's zone."""
    london = shared / "data" / "people" / "london"
    faces = tuple(made_crowds.portraits(london, kind) for kind in ("neutral", "smiling"))
    film = tmp_path / "till.mp4"
    frames = made_venue.film(guests, faces, RATE_HZ, 0)
    made_crowds.write_film(film, frames, RATE_HZ, preset="superfast")
    zones = Zones([Zone("count", made_venue.TILL), Zone("ignore", made_venue.STAFF)])
    settings = load_settings(
        detector="yunet",
        detector_model=shared / "models" / "face_detection_yunet_2026may.onnx",
        threads=1,
    )
    found, staff = [], 0
    with Pipeline(settings) as pipeline:
        counter = VisitCounter(zones, Quantifier(pipeline.network.sidecar))
        for frame, each in pipeline.stream(Masked(open_source(film), zones)):
            found += counter.take(frame, each)
            middles = (each.xyxy[:, :2] + each.xyxy[:, 2:]) / 2 / made_venue.SIZE_WH
            staff += int(((middles[:, 0] > 0.76) & (middles[:, 1] < 0.42)).sum())
    return found + counter.end(), staff


@pytest.mark.exhaustive
def test_guests_who_cross_are_counted_and_the_waiter_never(shared: Path, tmp_path: Path) -> None:
    """A woman with a clear smile at one place, a man without one at the other, who leaves past her."""
    random = np.random.default_rng(3)
    guests = [
        made_venue.guest(3, 0.5, random, smiles=True, place=0, crosses=False),
        made_venue.guest(8, 1.5, random, smiles=False, place=1, crosses=True),
        made_venue.passer(12, 6.0, random),
        made_venue.waiter(20, 16.0, random),
    ]
    visits, staff = read(shared, tmp_path, guests)
    assert staff == 0
    true = sorted((guest.stay() for guest in guests[:2]), key=lambda stay: stay[1])
    assert [(visit.start_s, visit.end_s) for visit in visits] == [
        pytest.approx(stay, abs=0.5) for stay in true
    ]
    smiled = {visit.start_s < 1.5: visit.smiled for visit in visits}
    assert smiled == {True: True, False: False}
