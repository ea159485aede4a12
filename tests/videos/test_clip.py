"""The face of a clip on an even grid; most tests bring faces of their own, so that nothing is decoded."""

from collections.abc import Iterator

import numpy as np
import pytest

from mien.errors import ConfigError, SourceError
from mien.types import Faces, Frame
from mien.videos import clip as clips
from mien.videos.clip import FaceClip, join

IMAGE = np.full((120, 160, 3), 90, np.uint8)
SMALL, LARGE = (10, 10, 30, 30), (60, 20, 110, 70)


def faces(*boxes: tuple[int, tuple[int, int, int, int]], valence: float = 0.0) -> Faces:
    if not boxes:
        return Faces.empty()
    return Faces(
        np.array([box for _, box in boxes], np.float32),
        track=np.array([track for track, _ in boxes]),
        valence=np.full(len(boxes), valence) + [track / 10 for track, _ in boxes],
    )


def grid(frames: list[tuple[float, Faces]], rate: float = 10, **how) -> list[tuple[float, float | None]]:
    """The times, and the track that was followed."""

    def stream() -> Iterator[tuple[Frame, Faces]]:
        for index, (time_s, found) in enumerate(frames):
            yield Frame(IMAGE, index, time_s, "film"), found

    steps = clips._on_grid(stream(), rate, clips._Follows(how.get("track")), how.get("end_s"))
    return [
        (time_s, round(float(step["valence"]) * 10) if step["present"] else None) for time_s, step in steps
    ]


def test_steps_are_even_whatever_the_frames_are() -> None:
    at = [(time_s, faces((0, LARGE))) for time_s in (0, 0.04, 0.13, 0.18, 0.31)]
    assert grid(at) == [(0, 0), (0.1, 0), (0.2, 0), (0.3, 0)]


def test_a_frame_without_a_face_is_a_gap_and_no_frame_for_long_is_one_too() -> None:
    at = [(0, faces((0, LARGE))), (0.1, faces()), (0.2, faces((0, LARGE))), (1.0, faces((0, LARGE)))]
    present = [track is not None for _, track in grid(at)]
    assert present == [True, False, True, True, True, True, True, True, False, False, True]


def test_the_largest_is_followed_until_it_is_gone_or_dwarfed() -> None:
    larger = (60, 20, 120, 75)
    at = [
        (0.0, faces((0, SMALL))),
        (0.1, faces((0, SMALL), (1, LARGE))),  # six times as large
        (0.2, faces((2, larger), (1, LARGE))),  # a little larger: no reason to change
        (0.3, faces((0, SMALL))),
    ]
    assert [track for _, track in grid(at)] == [0, 1, 1, 0]
    assert [track for _, track in grid(at, track=0)] == [0, 0, None, 0]


def test_a_number_that_no_face_has_is_said_with_those_that_there_are() -> None:
    follows = clips._Follows(9)
    frame = Frame(IMAGE, 0, 0.0, "film")
    follows.step(frame, faces())
    follows.check_found("film.mp4")  # a film without any face is answered as such
    follows.step(frame, faces((2, LARGE), (0, LARGE)))
    with pytest.raises(SourceError, match=r"film\.mp4: no face has the number 9; the numbers are 0, 2"):
        follows.check_found("film.mp4")


def test_it_stops_where_it_is_told() -> None:
    at = [(number / 10, faces((0, LARGE))) for number in range(20)]
    assert [time_s for time_s, _ in grid(at, end_s=0.5)] == [0, 0.1, 0.2, 0.3, 0.4]


def clip_of(count: int, rate: float = 10) -> FaceClip:
    [piece] = clips._pieces(((number / rate, clips._NOTHING) for number in range(count)), "film", rate, 60)
    return piece


def test_pieces_together_are_the_whole_and_times_cut_it() -> None:
    whole = clip_of(25)
    joined = join([whole[:10], whole[10:]])
    assert joined.times_s.tolist() == whole.times_s.tolist()
    assert joined.crops.shape == (25, 64, 64)
    assert whole.between(0.5, 1.0).times_s.tolist() == [0.5, 0.6, 0.7, 0.8, 0.9]


def test_no_frame_and_wrong_numbers_are_said() -> None:
    with pytest.raises(SourceError, match="no frame"):
        list(clips._pieces(iter(()), "film", 10, 60))
    with pytest.raises(ConfigError, match="frames_per_second above 0"):
        list(clips.read_clips("none.mp4", frames_per_second=0))


def test_the_portrait_is_read_by_the_pipeline() -> None:
    clip = clips.read_clip("portrait", frames_per_second=2, end_s=1.0)
    assert len(clip) == 2
    assert clip.present.all()
    assert np.isfinite(clip.landmarks).all()
    assert np.isfinite(clip.pose_deg).all()
    assert clip.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-4)
    assert clip.crops.std() > 10
