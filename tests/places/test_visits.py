"""Visits: who counts as one, what joins them, what is kept of one, and when somebody smiled."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.expression.network import find_network
from mien.expression.sidecar import read_sidecar, sidecar_path
from mien.places.quantification import Quantifier
from mien.places.venue import Visit
from mien.places.visits import (
    GAP_S,
    HELD_S,
    LEAST_S,
    SMILE_CONTRAST,
    SMILE_SURE,
    SmileMeter,
    VisitCounter,
    is_usable,
)
from mien.store.venue_types import Zone
from mien.types import Faces, Frame

QUANTIFIER = Quantifier(read_sidecar(sidecar_path(find_network("mien"))))
RATE_HZ = 10
SIZE_WH = 320, 240
PICTURE = np.random.default_rng(0).integers(0, 255, (*SIZE_WH[::-1], 3), np.uint8)
LEFT_HALF = Zone("count", ((0, 0), (0.5, 0), (0.5, 1), (0, 1)))
BEHIND = Zone("ignore", ((0.5, 0), (1, 0), (1, 1), (0.5, 1)))
CALM, LAUGHING = -6.0, 6.0


STEPS = np.linspace(-20, 20, 401)


@cache
def scale() -> tuple[np.ndarray, np.ndarray]:
    """Logits that speak for happiness alone, and the log-odds of happiness of their multiples by `STEPS`."""
    facts = QUANTIFIER.sidecar.quantification
    assert facts is not None
    place = facts.labels.index("happiness")
    wanted = np.arange(len(facts.labels)) == place
    direction = np.linalg.lstsq(np.array(facts.weights).T, wanted.astype(float), rcond=None)[0]
    found = QUANTIFIER.evidence(STEPS[:, None] * direction, np.full(len(STEPS), 60.0))[:, place]
    return direction, np.log(found) - np.log1p(-found)


def logits(happy: float) -> np.ndarray:
    """What a network says of a face of so many log-odds of happiness."""
    direction, known = scale()
    return np.asarray(np.interp(happy, known, STEPS) * direction)


def look(
    track: int = 0,
    x: float = 40,
    y: float = 60,
    *,
    px: float = 60,
    happy: float = CALM,
    valence: float = 0.0,
    quality: float = 0.9,
) -> Faces:
    """One face."""
    return Faces(
        xyxy=[[x, y, x + px, y + px]],
        track=[track],
        quality=[quality],
        logits=logits(happy)[None],
        valence=[valence],
        arousal=[0.0],
    )


def both(*faces: Faces) -> Faces:
    names = ("xyxy", "track", "quality", "logits", "valence", "arousal")
    return Faces(**{name: np.concatenate([getattr(each, name) for each in faces]) for name in names})


def visits(
    seen: Callable[[float], Faces | None],
    seconds: float,
    zones: Iterable[Zone] = (),
    rate_hz: float = RATE_HZ,
    counter: VisitCounter | None = None,
) -> list[Visit]:
    """All visits of a film in which faces are seen by the time."""
    counter = counter or VisitCounter(zones, QUANTIFIER)
    found: list[Visit] = []
    for index in range(round(seconds * rate_hz)):
        frame = Frame(PICTURE, index, index / rate_hz, "made")
        found += counter.take(frame, seen(frame.time_s) or Faces.empty())
    return found + counter.end()


def between(start_s: float, end_s: float, faces: Faces) -> Callable[[float], Faces | None]:
    return lambda time_s: faces if start_s <= time_s <= end_s else None


def test_a_visit_is_as_long_as_it_was_seen() -> None:
    [visit] = visits(between(2, 9, look()), 20)
    assert (visit.start_s, visit.end_s) == pytest.approx((2, 9))
    assert visit.length_s == pytest.approx(7)


def test_who_only_passes_is_no_visitor() -> None:
    assert visits(between(2, 2 + LEAST_S - 0.2, look()), 20) == []
    assert len(visits(between(2, 2 + LEAST_S + 0.1, look()), 20)) == 1


def test_it_is_told_when_the_gap_is_over_and_not_before() -> None:
    counter = VisitCounter((), QUANTIFIER)
    told = [
        len(counter.take(Frame(PICTURE, n, n / 10, "made"), look() if n <= 30 else Faces.empty()))
        for n in range(80)
    ]
    assert told.index(1) == pytest.approx(30 + 10 * GAP_S, abs=1)
    assert sum(told) == 1
    assert counter.end() == []


@pytest.mark.parametrize(
    ("again", "count"),
    [
        (look(7, 60), 1),  # a new track close by
        (look(7, 240), 2),  # somebody at the other end
        (look(7, 40, px=140), 2),  # somebody much nearer
    ],
)
def test_a_gap_is_joined_by_place_and_size(again: Faces, count: int) -> None:
    def seen(time_s: float) -> Faces | None:
        if time_s <= 4:
            return look()
        return again if 4 + GAP_S - 0.5 <= time_s <= 9 else None

    assert len(visits(seen, 20)) == count


def test_a_long_gap_is_not_joined() -> None:
    def seen(time_s: float) -> Faces | None:
        return look() if time_s <= 4 or 4.5 + GAP_S <= time_s <= 10 else None

    assert [visit.length_s for visit in visits(seen, 20)] == pytest.approx([4, 5.5 - GAP_S], abs=0.11)


def test_who_steps_out_of_the_zone_does_not_lend_their_visit_to_the_next_one() -> None:
    def seen(time_s: float) -> Faces | None:
        if time_s <= 4:
            return look(0, 110)
        return both(look(0, 170), look(1, 110)) if time_s <= 9 else None

    assert [visit.length_s for visit in visits(seen, 20, [LEFT_HALF])] == pytest.approx([4, 4.9], abs=0.11)


def test_who_comes_where_somebody_walked_out_is_a_visit_of_their_own_though_the_track_is_one() -> None:
    def seen(time_s: float) -> Faces | None:
        return look(0, 180 if 4 < time_s < 5 else 90) if time_s <= 9 else None

    assert [visit.length_s for visit in visits(seen, 20, [LEFT_HALF])] == pytest.approx([4, 4], abs=0.11)


def test_who_comes_in_where_somebody_was_just_lost_is_a_visit_of_their_own() -> None:
    """One leaves hidden by another who comes in: the newcomer was seen outside the zone first."""

    def seen(time_s: float) -> Faces | None:
        if time_s <= 4:
            return both(look(0, 110), look(1, 170)) if time_s > 3.5 else look(0, 110)
        return look(1, 115) if time_s <= 9 else None

    assert [visit.length_s for visit in visits(seen, 20, [LEFT_HALF])] == pytest.approx([4, 4.9], abs=0.11)


def test_who_sways_over_the_zones_edge_stays() -> None:
    def seen(time_s: float) -> Faces | None:
        return look(0, 130 + 15 * np.sin(2 * time_s)) if time_s <= 9 else None

    assert [visit.length_s for visit in visits(seen, 20, [LEFT_HALF])] == pytest.approx([9], abs=1.6)


def test_an_ignored_zone_is_never_counted() -> None:
    assert visits(lambda time_s: both(look(0, 170), look(1, 250)), 30, [BEHIND]) == []
    assert visits(lambda time_s: both(look(0, 130), look(1, 250)), 30, [BEHIND, LEFT_HALF]) == []


def test_two_that_change_tracks_stay_two() -> None:
    def seen(time_s: float) -> Faces | None:
        if time_s < 5:
            return both(look(0, 40), look(1, 200))
        return both(look(5, 45), look(6, 205)) if 5.4 < time_s < 10 else None

    assert [visit.length_s for visit in visits(seen, 20)] == pytest.approx([9.9, 9.9], abs=0.11)


def test_a_clock_that_goes_back_counts_as_no_time() -> None:
    counter = VisitCounter((), QUANTIFIER)
    times = [*np.arange(0, 5, 0.1), *np.arange(2, 5, 0.1)]
    found = [visit for at in times for visit in counter.take(Frame(PICTURE, 0, float(at), "made"), look())]
    [visit] = found + counter.end()
    assert visit.length_s == pytest.approx(7.8, abs=0.11)


def test_a_camera_that_was_away_ends_a_visit() -> None:
    counter = VisitCounter((), QUANTIFIER)
    times = [*np.arange(0, 5, 0.1), *np.arange(65, 70, 0.1)]
    found = [visit for at in times for visit in counter.take(Frame(PICTURE, 0, float(at), "made"), look())]
    assert [visit.length_s for visit in found + counter.end()] == pytest.approx([4.9, 4.9])


def test_means_and_the_change_from_arrival_to_leaving() -> None:
    [visit] = visits(lambda time_s: look(valence=-0.5 if time_s < 3 else 0.5), 6, rate_hz=20)
    assert visit.valence == pytest.approx(0, abs=0.02)
    assert visit.change == pytest.approx(1)
    assert sum(visit.evidence) == pytest.approx(1)
    assert sum(visit.sizes) == pytest.approx(1)


def test_the_change_of_a_short_visit_is_that_of_its_halves() -> None:
    [visit] = visits(between(0, 2, look(valence=0.3)), 10)
    assert visit.change == pytest.approx(0)
    [visit] = visits(lambda time_s: look(valence=time_s) if time_s <= 2 else None, 10, rate_hz=20)
    assert visit.change == pytest.approx(1, abs=0.06)


def test_poor_readings_weigh_less() -> None:
    [visit] = visits(lambda time_s: look(valence=0.8) if time_s < 5 else look(valence=-0.8, quality=0.09), 10)
    assert visit.valence == pytest.approx((0.9 * 0.8 - 0.09 * 0.8) / 0.99, abs=0.02)


@pytest.mark.parametrize(
    ("level", "smiled"),
    [
        (lambda time_s: CALM, False),
        (lambda time_s: CALM + SMILE_CONTRAST + 2.5 if 4 <= time_s < 6 else CALM, True),
        (lambda time_s: LAUGHING if 4 <= time_s < 6 else CALM, True),
        (lambda time_s: SMILE_SURE + 1, True),  # all the time
        (lambda time_s: LAUGHING if 4 <= time_s < 4.05 else CALM, False),  # one frame
    ],
)
def test_a_smile_is_told_by_the_visits_own_calm_face(level: Callable[[float], float], smiled: bool) -> None:
    [visit] = visits(lambda time_s: look(happy=level(time_s)), 12, rate_hz=20)
    assert visit.smiled is smiled


@given(st.integers(4, 30), st.floats(0.6, 5), st.floats(CALM, -3))
def test_a_smile_is_found_at_any_frame_rate(rate_hz: int, held_s: float, calm: float) -> None:
    meter = SmileMeter()
    for index in range(20 * rate_hz):
        time_s = index / rate_hz
        meter.see(calm + 5 if 8 <= time_s < 8 + held_s + HELD_S + 0.5 else calm, time_s)
    assert meter.smiled
    assert meter.calm == pytest.approx(calm, abs=0.11)


@st.composite
def arrivals(draw: st.DrawFn) -> list[tuple[float, float, int]]:
    """People at four places; each place is empty for longer than the gap between two of them."""
    found = []
    for place in range(4):
        at_s = draw(st.floats(0, 5))
        for _ in range(draw(st.integers(0, 4))):
            stay_s = draw(st.floats(0.2, 9).filter(lambda stay: abs(stay - LEAST_S) > 0.25))
            found.append((at_s, stay_s, place))
            at_s += stay_s + GAP_S + draw(st.floats(0.3, 6))
    return found


@settings(max_examples=25)
@given(arrivals(), st.integers(0, 99))
@pytest.mark.exhaustive
def test_visits_are_those_that_came_however_their_tracks_break(
    people: list[tuple[float, float, int]], seed: int
) -> None:
    """Each is lost now and then for less than the gap, and found again under another number."""
    random = np.random.default_rng(seed)
    numbers: dict[int, int] = {}

    def seen(time_s: float) -> Faces | None:
        faces = []
        for who, (start_s, stay_s, place) in enumerate(people):
            inside = start_s <= time_s <= start_s + stay_s
            # Never at its ends, which are to be known to the frame.
            ends = min(time_s - start_s, start_s + stay_s - time_s) < 0.15
            if inside and not ends and random.random() < 0.3:
                numbers[who] = int(random.integers(1, 1 << 40))
            elif inside:
                faces.append(look(numbers.setdefault(who, 1000 + who), 75.0 * place, px=36))
        return both(*faces) if faces else None

    found = visits(seen, max((at + stay for at, stay, _ in people), default=0) + 4)
    stayed = sorted(stay for _, stay, _ in people if stay > LEAST_S)
    assert sorted(visit.length_s for visit in found) == pytest.approx(stayed, abs=0.21)


@pytest.mark.exhaustive
def test_an_endless_visit_takes_no_more_memory() -> None:
    counter = VisitCounter((), QUANTIFIER)

    def held() -> int:
        [guest] = counter._ongoing
        return sum(map(sys.getsizeof, (guest.first, guest.last, guest.smile._held, guest.smile._counts)))

    sizes = []
    for index in range(4000):
        counter.take(Frame(PICTURE, index, index / 10, "a poster"), look())
        sizes.append(held())
    assert sizes[-1] == sizes[200]


def test_what_can_be_seen() -> None:
    counter = VisitCounter([LEFT_HALF], QUANTIFIER)
    frame = Frame(PICTURE, 0, 0.0, "made")
    assert counter.usable(frame, Faces.empty())
    assert counter.usable(frame, look())
    assert not counter.usable(frame, look(quality=0.1))
    assert counter.usable(frame, look(0, 200, quality=0.1))  # not in the zone
    assert counter.usable(frame, both(look(quality=0.1), look(1, 100)))
    for grey in (0, 128, 255):
        assert not is_usable(np.full_like(PICTURE, grey))
    assert not is_usable(PICTURE // 40)
