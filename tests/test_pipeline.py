from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image as Pillow

import mien
from mien.config import Settings
from mien.errors import ConfigError, ModelError, SourceError
from mien.expression.calibration import softmax
from mien.labels import EMOTIONS, FER2013
from mien.pipeline import STAGES, Pipeline, Tally
from mien.prior import FER2013_MIX
from mien.source import SourceReport
from mien.types import Faces, Frame, Image
from tiny_network import expected_logits, save_tiny


class ListSource:
    """Frames from a list; counts how often it is closed."""

    name, live = "list", False

    def __init__(self, images: list[Image], times_s: list[float] | None = None) -> None:
        self.report = SourceReport()
        self.closed = 0
        self._images = images
        self._times_s = times_s or [index / 10 for index in range(len(images))]

    def frames(self) -> Iterator[Frame]:
        for index, image in enumerate(self._images):
            yield Frame(image, index, self._times_s[index], self.name)

    def close(self) -> None:
        self.closed += 1


class LightDetector:
    """Finds one face, in the middle, in pictures that aren't black."""

    name = "light"

    def __init__(self) -> None:
        self.closed = 0

    def detect(self, image: Image) -> Faces:
        if not image.any():
            return Faces.empty()
        height, width = image.shape[:2]
        box = np.array([[width / 4, height / 4, width * 3 / 4, height * 3 / 4]], np.float32)
        return Faces(box, detection=np.ones(1, np.float32))

    def close(self) -> None:
        self.closed += 1


def grey(value: int) -> Image:
    return np.full((40, 40, 3), value, np.uint8)


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    settings = Settings(network=str(save_tiny(tmp_path)))
    with Pipeline(settings, detector=LightDetector()) as pipeline:
        yield pipeline


def test_every_frame_comes_also_without_a_face(pipeline: Pipeline) -> None:
    source = ListSource([grey(0), grey(90), grey(0), grey(200)])
    read = list(pipeline.stream(source))
    assert [frame.index for frame, _ in read] == [0, 1, 2, 3]
    assert [len(faces) for _, faces in read] == [0, 1, 0, 1]


def test_each_stage_fills_in_its_part(pipeline: Pipeline) -> None:
    ((_, faces),) = pipeline.stream(ListSource([grey(200)]))
    assert faces.track.tolist() == [0]
    assert 0 <= faces.quality[0] <= 1
    assert -1 <= faces.valence[0] <= 1
    assert -1 <= faces.arousal[0] <= 1
    logits = expected_logits(np.full((1, 16, 16), 200, np.uint8))
    learnt = FER2013_MIX.array()[[EMOTIONS.index(label) for label in FER2013]]
    expected = softmax(logits - np.log(learnt), 1.0)[0]  # with all labels as common, as is the default
    received = [faces.probabilities[0, EMOTIONS.index(label)] for label in FER2013]
    assert received == pytest.approx(expected.tolist(), abs=1e-6)
    assert np.isnan(faces.probabilities[0, EMOTIONS.index("contempt")])


def test_the_source_is_closed_at_the_end(pipeline: Pipeline) -> None:
    source = ListSource([grey(1)])
    list(pipeline.stream(source))
    assert source.closed == 1


def test_the_source_is_closed_when_the_caller_stops_early(pipeline: Pipeline) -> None:
    source = ListSource([grey(1)] * 3)
    stream = pipeline.stream(source)
    next(stream)
    assert source.closed == 0
    stream.close()  # type: ignore[attr-defined]
    assert source.closed == 1


def test_the_source_is_closed_when_a_stage_raises(tmp_path: Path) -> None:
    class Broken(LightDetector):
        def detect(self, image: Image) -> Faces:
            raise ModelError("the detector is broken")

    detector, source = Broken(), ListSource([grey(1)])
    with (
        Pipeline(Settings(network=str(save_tiny(tmp_path))), detector=detector) as pipeline,
        pytest.raises(ModelError, match="the detector is broken"),
    ):
        list(pipeline.stream(source))
    assert (source.closed, detector.closed) == (1, 1)


def test_the_tally_counts_along(pipeline: Pipeline) -> None:
    tally = Tally()
    list(pipeline.stream(ListSource([grey(0), grey(9), grey(9)]), tally))
    assert (tally.frames, tally.frames_with_face) == (3, 2)
    assert set(tally.seconds) == set(STAGES)
    assert all(spent > 0 for spent in tally.seconds.values())


def test_the_tally_has_no_coverage_before_the_first_frame() -> None:
    assert Tally().coverage is None


def read_faces(is_read: bool) -> Faces:
    box = np.array([[0, 0, 1, 1]], np.float32)
    return Faces(box, probabilities=np.full((1, 8), 0.125), confidence=[0.125]) if is_read else Faces(box)


@given(st.lists(st.tuples(st.floats(0.01, 2), st.booleans()), min_size=2, max_size=30))
def test_coverage_is_the_share_of_the_time(steps: list[tuple[float, bool]]) -> None:
    starts = np.cumsum([step for step, _ in steps])
    tally = Tally()
    for time_s, (_, is_read) in zip(starts, steps, strict=True):
        tally.count(float(time_s), read_faces(is_read))
    lengths = np.append(np.diff(starts), np.diff(starts).mean())
    expected = sum(length for length, (_, is_read) in zip(lengths, steps, strict=True) if is_read)
    assert tally.coverage == pytest.approx(expected / lengths.sum())


@pytest.mark.parametrize("is_read", [True, False])
def test_coverage_of_one_frame_is_all_or_nothing(is_read: bool) -> None:
    tally = Tally()
    tally.count(3.0, read_faces(is_read))
    assert tally.coverage == float(is_read)


def test_crops_are_whole_faces(tmp_path: Path) -> None:
    with Pipeline(Settings(network=str(save_tiny(tmp_path)), crops=True)) as pipeline:
        assert pipeline.detector is None
        ((_, faces),) = pipeline.stream(ListSource([np.zeros((30, 20, 3), np.uint8)]))
    assert faces.xyxy.tolist() == [[0, 0, 20, 30]]
    assert faces.track.tolist() == [0]
    assert np.isfinite(faces.confidence).all()


def test_read_takes_an_array_or_a_path(
    portrait: NDArray[np.uint8], portrait_path: Path, tmp_path: Path
) -> None:
    network = str(save_tiny(tmp_path))
    from_array, from_path = mien.read(portrait, network=network), mien.read(portrait_path, network=network)
    assert len(from_array) == 1
    np.testing.assert_array_equal(from_array.xyxy, from_path.xyxy)
    np.testing.assert_array_equal(from_array.probabilities, from_path.probabilities)


def test_read_takes_pillows_pictures_and_bytes_as_it_takes_files(portrait_path: Path, tmp_path: Path) -> None:
    network = str(save_tiny(tmp_path))
    from_path = mien.read(portrait_path, network=network)
    with Pillow.open(portrait_path) as opened:
        from_pillow = mien.read(opened, network=network)
        # on its side, with the tag that says so
        exif = Pillow.Exif()
        exif[0x0112] = 6
        opened.rotate(90, expand=True).save(tmp_path / "turned.png", exif=exif)
    with Pillow.open(tmp_path / "turned.png") as turned:
        from_turned = mien.read(turned, network=network)
    from_bytes = mien.read(portrait_path.read_bytes(), network=network)
    assert len(from_path) == 1
    for faces in (from_pillow, from_bytes, from_turned):
        np.testing.assert_array_equal(faces.xyxy, from_path.xyxy)
        np.testing.assert_array_equal(faces.probabilities, from_path.probabilities)


NO_PICTURES = [None, 3, [[1, 2], [3, 4]], object(), np.float32(1)]


@pytest.mark.parametrize("value", NO_PICTURES)
@pytest.mark.parametrize("entry", [mien.read, mien.explain])
def test_what_is_no_picture_is_a_type_error(value: Any, entry: Callable[..., object], tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"expected a picture: a path, .* received"):
        entry(value, network=str(save_tiny(tmp_path)))


@pytest.mark.parametrize("value", [Pillow.new("RGB", (9, 9)), np.zeros((9, 9, 3), np.uint8), None, b"x"])
def test_pictures_where_a_path_is_wanted_are_a_type_error(value: Any, tmp_path: Path) -> None:
    network = str(save_tiny(tmp_path))
    with pytest.raises(TypeError, match=r"expected a path.*received"):
        next(mien.stream(value, network=network))
    for paths in (value, [value]):
        with pytest.raises(TypeError, match=r"expected a path.*received"):
            mien.analyze(paths, network=network)
    if value is not None:
        with pytest.raises(TypeError, match=r"neutral: expected .*a photograph's path.*received"):
            mien.analyze(tmp_path / "a.jpg", network=network, neutral=value)


def test_frames_and_the_pipeline_take_arrays_only(pipeline: Pipeline) -> None:
    picture: Any = Pillow.new("RGB", (9, 9))
    with pytest.raises(TypeError, match=r"expected a uint8 array .*, received Image; mien.read takes other"):
        Frame(picture, 0, 0.0, "x")
    with pytest.raises(TypeError, match="received Image"):
        pipeline.read(picture)


def test_read_refuses_what_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected a uint8 image"):
        mien.read(np.zeros((4, 4), np.uint8), network=str(save_tiny(tmp_path)))


def test_stream_reads_a_photograph(portrait_path: Path, tmp_path: Path) -> None:
    ((frame, faces),) = mien.stream(portrait_path, network=str(save_tiny(tmp_path)))
    assert (frame.index, frame.time_s, len(faces)) == (0, 0.0, 1)


def test_stream_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"gone\.jpg"):
        list(mien.stream(tmp_path / "gone.jpg", network=str(save_tiny(tmp_path))))


def test_a_wrong_choice_is_named(portrait_path: Path) -> None:
    with pytest.raises(ConfigError, match="every"):
        list(mien.stream(portrait_path, every=0))
