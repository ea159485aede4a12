"""The rate of the pulse, second by second, or no reading: made frames of which everything is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.signals.face_pulse import LEAST_QUALITY, FacePulses, PulseReading
from mien.signals.pulse_window import WINDOW_S
from mien.signals.skin import REGIONS
from mien.types import Faces, Frame
from signals.made_skin import LANDMARKS, PULSE_RGB, frames, wave

Floats = NDArray[np.float64]
LIGHT, DARK = (190, 140, 115), (88, 66, 56)


def times(length_s: float = 24.0, fps: float = 20.0) -> Floats:
    return np.arange(int(length_s * fps)) / fps


def coloured(times_s: Floats, rates_bpm: Floats | float = 72.0, amplitude: float = 0.005) -> Floats:
    return np.asarray(1 + amplitude * wave(times_s, rates_bpm)[:, None] * PULSE_RGB)


def read(made: object) -> list[PulseReading]:
    pulses = FacePulses()
    return [reading for frame, faces in made for reading in pulses.read(frame, faces)]  # type: ignore[attr-defined]


def rates(readings: list[PulseReading]) -> list[float]:
    return [reading.rate_bpm for reading in readings if reading.rate_bpm is not None]


@pytest.mark.parametrize(
    ("skin", "rate_bpm"),
    [
        (LIGHT, 72.0),
        (DARK, 48.0),
        *(
            pytest.param(skin, rate_bpm, marks=pytest.mark.exhaustive)
            for skin, rate_bpm in ((LIGHT, 48.0), (LIGHT, 131.0), (DARK, 72.0), (DARK, 131.0))
        ),
    ],
)
def test_the_rate_is_found_in_light_and_in_dark_skin(
    rate_bpm: float, skin: tuple[float, float, float]
) -> None:
    readings = read(frames(coloured(times(), rate_bpm), times(), skin=skin))
    assert [reading.time_s for reading in readings] == list(range(1, 24))
    assert {reading.track for reading in readings} == {0}
    assert all(reading.rate_bpm is None for reading in readings if reading.time_s < WINDOW_S)
    found = rates(readings)
    assert len(found) >= 10
    np.testing.assert_allclose(found, rate_bpm, atol=1.5)
    assert readings[-1].quality >= LEAST_QUALITY
    assert set(readings[-1].methods) == {"POS", "CHROM", "LGI"}


@pytest.mark.exhaustive
def test_a_rate_that_rises_is_followed_as_the_mean_of_the_window() -> None:
    times_s = times(40)
    rates_bpm = np.interp(times_s, [10, 30], [66, 90])
    readings = [each for each in read(frames(coloured(times_s, rates_bpm, 0.008), times_s)) if each.rate_bpm]
    assert len(readings) >= 20
    for reading in readings:
        inside = (times_s >= reading.time_s - WINDOW_S) & (times_s < reading.time_s)
        assert reading.rate_bpm == pytest.approx(rates_bpm[inside].mean(), abs=2)


def test_without_a_pulse_there_is_no_reading() -> None:
    readings = read(frames(np.ones((480, 3)), times()))
    assert len(readings) == 23
    assert not rates(readings)
    assert all(reading.methods == () for reading in readings)


@pytest.mark.exhaustive
def test_light_that_changes_in_steps_is_no_pulse_and_hides_none() -> None:
    times_s = times(30)
    light = np.where(times_s % 7 < 3, 1.0, 1.12)[:, None]
    assert not rates(read(frames(light * np.ones((len(times_s), 3)), times_s)))
    found = rates(read(frames(light * coloured(times_s, 81, 0.006), times_s)))
    assert len(found) >= 10
    np.testing.assert_allclose(found, 81, atol=2)


@pytest.mark.exhaustive
def test_what_moves_with_the_head_is_no_pulse() -> None:
    """A head that nods once a second, whose shine changes with it: a clean rhythm, but of the place too."""
    times_s = times()
    nod = np.sin(2 * np.pi * 1.0 * times_s)
    shine = 1 + 0.01 * nod[:, None] * (1.0, 0.9, 0.8)
    assert not rates(read(frames(shine, times_s, shifts=2.5 * nod)))


def test_a_face_that_moves_too_fast_is_not_read() -> None:
    times_s = times()
    shaken = 8.0 * np.where(np.arange(len(times_s)) % 2, 1.0, -1.0)
    readings = read(frames(coloured(times_s), times_s, shifts=shaken))
    assert {(reading.rate_bpm, reading.quality) for reading in readings} == {(None, 0.0)}


@pytest.mark.parametrize("fps", [4.0, 9.0])
def test_with_too_few_frames_a_second_nothing_is_read(fps: float) -> None:
    readings = read(frames(coloured(times(fps=fps)), times(fps=fps)))
    assert {(reading.rate_bpm, reading.quality) for reading in readings} == {(None, 0.0)}


@pytest.mark.exhaustive
def test_every_prefix_of_a_film_gives_the_same_readings() -> None:
    made = list(frames(coloured(times(20)), times(20)))
    whole = read(made)
    for cut in (1, 30, 245, 260, 399):
        part = read(made[:cut])
        assert part == whole[: len(part)]
        assert len(part) == int(made[cut - 1][0].time_s)


@pytest.mark.exhaustive
def test_a_gap_is_a_gap() -> None:
    """The face is away for 6 s: no reading until most of a window has been seen, and rows all the while."""
    times_s = times(34)
    made = [
        (frame, Faces.empty() if 13 <= frame.time_s < 19 else faces)
        for frame, faces in frames(coloured(times_s, amplitude=0.008), times_s)
    ]
    readings = read(made)
    assert [reading.time_s for reading in readings] == list(range(1, 34))
    assert [reading.time_s for reading in readings if reading.track is None] == [14, 15, 16, 17, 18, 19]
    read_at = [reading.time_s for reading in readings if reading.rate_bpm is not None]
    assert min(read_at) < 14
    assert not [time_s for time_s in read_at if 16 < time_s < 28]
    assert max(read_at) > 31


def test_a_clock_that_jumps_or_stands_still_is_survived() -> None:
    times_s = times(14)
    made = list(frames(coloured(times_s), times_s))
    jump = Frame(made[0][0].image, 999, 1e6 + 0.5, "made")
    pulses = FacePulses()
    for frame, faces in made:
        pulses.read(frame, faces)
    assert pulses.read(*made[-1]) == []
    after = pulses.read(jump, made[0][1])
    assert 1 <= len(after) <= WINDOW_S + 1
    assert {reading.rate_bpm for reading in after} == {None}


def test_two_faces_are_read_by_themselves() -> None:
    readings = read(frames(coloured(times(14)), times(14), tracks=(3, 8)))
    assert [(reading.time_s, reading.track) for reading in readings[:4]] == [(1, 3), (1, 8), (2, 3), (2, 8)]
    by_track = [[reading.rate_bpm for reading in readings if reading.track == track] for track in (3, 8)]
    assert by_track[0] == by_track[1]


def read_colours(
    relative: Floats, background: Floats | None, times_s: Floats, noise: float = 2e-4
) -> list[PulseReading]:
    """Read a face of one colour, (n, 3) relative to its skin's.

    The background is relative, too: (n, 3), or (n, cells, 3).
    """
    random, other = np.random.default_rng(7), np.random.default_rng(9)
    skin = (180, 130, 110) * (relative[:, None] + random.normal(0, noise, (len(times_s), len(REGIONS), 3)))
    beside = np.full((len(times_s), 3), np.nan)
    if background is not None:
        beside = 150 * (background + other.normal(0, noise, background.shape))
    pulses = FacePulses()
    return [
        reading
        for time_s, colours, light in zip(times_s.tolist(), skin, beside, strict=True)
        for reading in pulses.add(time_s, {0: (colours, LANDMARKS)}, light)
    ]


def test_light_that_beats_in_the_colour_of_blood_is_told_by_what_is_beside_the_face() -> None:
    times_s = times(20)
    light = coloured(times_s, 70, 0.006)
    assert rates(read_colours(light, None, times_s))
    assert not rates(read_colours(light, light, times_s))
    assert not rates(read_colours(light, 1 + 0.4 * (light - 1), times_s))


def cells_of(light: Floats, times_s: Floats, sway: float) -> Floats:
    """Return 40 cells, (n, 40, 3), lit alike; every fourth sways, and some are hidden at times."""
    random = np.random.default_rng(12)
    cells = light[:, None] * random.uniform(0.5, 1.2, (1, 40, 3))
    course = np.sin(2 * np.pi * (0.9 * times_s + 0.2 * np.sin(times_s)))
    cells[:, ::4] *= 1 + sway * (course[:, None] * random.normal(0, 1, 10))[..., None]
    cells[(times_s % 3 < 1), :4] = np.nan
    return np.asarray(cells)


def test_what_moves_in_the_background_hides_no_light() -> None:
    """A light in the colour of blood falls on the background with three tenths of its strength."""
    times_s = times(20)
    light = coloured(times_s, 70, 0.006)
    beside = cells_of(1 + 0.3 * (light - 1), times_s, 0.1)
    assert rates(read_colours(light, np.nanmean(beside, axis=1), times_s))
    assert not rates(read_colours(light, beside, times_s))


def test_what_moves_in_the_background_hides_no_pulse() -> None:
    times_s = times(20)
    found = rates(
        read_colours(coloured(times_s, 84, 0.004), cells_of(np.ones((400, 3)), times_s, 0.1), times_s)
    )
    assert len(found) >= 8
    np.testing.assert_allclose(found, 84, atol=1)


def test_a_background_that_is_seen_now_and_then_only_is_none() -> None:
    times_s = times(20)
    beside = cells_of(np.ones((400, 3)), times_s, 0.0)
    beside[times_s % 2 < 1] = np.nan
    assert rates(read_colours(coloured(times_s, 84), beside, times_s))


def test_a_pulse_is_read_under_a_light_that_flickers_more_than_it() -> None:
    times_s = times(24)
    random = np.random.default_rng(8)
    hz = np.linspace(0.5, 3, 12)[:, None]
    flicker = np.sin(2 * np.pi * (hz * times_s + random.random((12, 1)))).T @ random.normal(0, 0.004, (12, 3))
    face = coloured(times_s, 84, 0.004) * (1 + flicker)
    assert not rates(read_colours(face, None, times_s))
    found = rates(read_colours(face, 1 + 0.6 * flicker, times_s))
    assert len(found) >= 8
    np.testing.assert_allclose(found, 84, atol=2)


def test_a_neck_beside_the_face_does_not_hide_the_pulse() -> None:
    times_s = times(20)
    pulse = coloured(times_s, 66)
    found = rates(read_colours(pulse, 1 + 0.1 * (pulse - 1), times_s))
    assert len(found) >= 6
    np.testing.assert_allclose(found, 66, atol=1)


def key_frames(times_s: Floats, every: int) -> Floats:
    """Return what changes with each key frame, as a share: a jump that fades, stronger in green."""
    since = np.arange(len(times_s)) % every / every
    return np.asarray(0.004 * (0.5 - since)[:, None] * PULSE_RGB)


def test_key_frames_are_no_pulse_and_hide_none() -> None:
    times_s = times(24, 30)
    jumps = key_frames(times_s, 24)  # 75 a minute
    assert not rates(read_colours(1 + jumps, None, times_s))
    found = rates(read_colours(coloured(times_s, 92, 0.004) + jumps, None, times_s))
    assert len(found) >= 8
    np.testing.assert_allclose(found, 92, atol=2)


def test_every_prefix_gives_the_same_readings_with_background_and_key_frames() -> None:
    times_s = times(18, 30)
    light = 0.01 * np.sin(2 * np.pi * 1.7 * times_s)[:, None] * np.ones(3)
    face = coloured(times_s, 78) * (1 + light) + key_frames(times_s, 30)
    whole = read_colours(face, 1 + light, times_s)
    assert rates(whole)
    for cut in (360, 401, 500):
        part = read_colours(face[:cut], 1 + light[:cut], times_s[:cut])
        assert part == whole[: len(part)]
        assert len(part) == int(times_s[cut - 1])
