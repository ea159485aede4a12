"""What people meet in Python: faces one by one, short representations, and their own parts by keyword."""

from __future__ import annotations

import json
import re
import typing
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

import mien
from cli.helpers import save_clip
from mien.config import Choices, Settings
from mien.expression.network import Answers, Network, load_network
from mien.labels import EMOTIONS, MEASURES
from mien.show.draw import draw
from mien.table import COLUMNS, POINTS, faces_of
from mien.types import Face, Faces, Frame, Image


class MyDetector:
    """Answers that there is a face in the middle."""

    name = "mine"

    def __init__(self) -> None:
        self.looked, self.closed = 0, 0

    def detect(self, image: Image) -> Faces:
        self.looked += 1
        height, width = image.shape[:2]
        box = (width * 0.3, height * 0.2, width * 0.7, height * 0.6)
        return Faces(np.array([box], np.float32), detection=[0.9])

    def close(self) -> None:
        self.closed += 1


class MyNetwork:
    """Is sure of surprise, whatever it sees."""

    def __init__(self, other: Network) -> None:
        self._other, self.closed = other, 0

    @property
    def sidecar(self):  # type: ignore[no-untyped-def]
        return self._other.sidecar

    def answer(self, crops: NDArray[np.uint8]) -> Answers:
        logits = np.zeros((len(crops), len(self.sidecar.labels)), np.float32)
        logits[:, self.sidecar.labels.index("surprise")] = 30
        return Answers(logits)

    def close(self) -> None:
        self.closed += 1


def some_faces() -> Faces:
    shares = np.full((2, len(EMOTIONS)), 0.1)
    shares[:, 1], shares[:, 7] = 0.4, np.nan
    return Faces(
        [[1, 2, 30, 40], [5, 6, 70, 80]], probabilities=shares, expression=[1, -1],
        confidence=[0.873, np.nan], valence=[0.5, np.nan], quality=[0.9, 0.2], track=[4, -1],
    )  # fmt: skip


def test_faces_are_gone_through_one_by_one() -> None:
    first, second = some_faces()
    assert isinstance(first, Face)
    assert (first.label, first.track, first.xyxy) == ("happiness", 4, (1, 2, 30, 40))
    assert first.confidence == pytest.approx(0.873)
    assert first.probabilities == pytest.approx({**dict.fromkeys(EMOTIONS[:7], 0.1), "happiness": 0.4})
    assert (second.label, second.confidence, second.valence, second.track) == ("uncertain", None, None, None)
    assert list(Faces.empty()) == []


def test_representations_are_short() -> None:
    assert repr(some_faces()) == "<2 faces: happiness 87%, uncertain>"
    assert (repr(some_faces()[:1]), repr(Faces.empty())) == ("<1 face: happiness 87%>", "<0 faces>")
    frame = Frame(np.zeros((36, 64, 3), np.uint8), 12, 0.48, "session.mp4")
    assert repr(frame) == "Frame('session.mp4', index=12, time_s=0.48, 64x36)"


def test_faces_as_a_table() -> None:
    table = some_faces().to_frame()
    assert tuple(table.columns) == COLUMNS[COLUMNS.index("track") :]
    assert table[["track", "width", "expression"]].values.tolist() == [
        [4, 29, "happiness"],
        [-1, 65, "uncertain"],
    ]
    assert table["confidence"].tolist() == [0.873, pytest.approx(np.nan, nan_ok=True)]
    assert list(Faces.empty().to_frame().columns) == list(table.columns)
    more = some_faces().to_frame(measures=True, landmarks=True)
    assert set(more.columns) - set(table.columns) == {*MEASURES, *POINTS}


def test_the_table_of_one_picture_is_the_one_that_is_written(portrait_path: Path) -> None:
    written = mien.analyze(portrait_path).frame.loc[:, "track":]
    pd.testing.assert_frame_equal(mien.read(portrait_path).to_frame(), written)


def test_faces_are_drawn_on_a_copy(portrait: NDArray[np.uint8], portrait_path: Path) -> None:
    faces = mien.read(portrait)
    drawn = faces.draw(portrait)
    np.testing.assert_array_equal(np.asarray(drawn), draw(portrait, faces))
    assert drawn == faces.draw(portrait_path) == faces.draw(Pillow.fromarray(portrait))
    assert drawn != faces.draw(portrait, panels=False)
    with pytest.raises(ValueError, match="uint8"):
        faces.draw(portrait / 255)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="expected a picture"):
        faces.draw(faces)  # type: ignore[arg-type]


def test_faces_are_shown_in_a_notebook() -> None:
    shown = some_faces()._repr_html_()
    assert "&lt;2 faces: happiness 87%, uncertain&gt;" in shown
    assert shown.count("<tr") == 3


def test_a_recording_is_shown_in_a_notebook(tmp_path: Path, portrait: NDArray[np.uint8]) -> None:
    clip = save_clip(tmp_path / "a&b.mp4", [portrait[:600:4, :512:4]] * 3)
    recording = mien.analyze(clip, crops=True)
    assert repr(recording) == "<Recording of a&b.mp4: 3 rows>"
    shown = recording._repr_html_()
    assert "a&amp;b.mp4: 3 rows" in shown
    assert shown.count('<img alt="Timeline of a&amp;b.mp4"') == 1
    assert shown.count("<tr") == 4


def test_a_recording_shows_the_photographs_that_are_still_there(
    tmp_path: Path, portrait: NDArray[np.uint8]
) -> None:
    paths = [tmp_path / f"{name}.png" for name in ("me & you", "gone", "other", "fourth")]
    for path in paths:
        Pillow.fromarray(portrait).save(path)
    recording = mien.analyze(paths)
    paths[1].unlink()
    Pillow.fromarray(portrait[:300]).save(paths[2])
    shown = recording._repr_html_()
    (alt,) = re.findall(r'<img alt="([^"]*)"', shown)  # of the first three, one was erased and one replaced
    assert alt == "me &amp; you.png, with what was read"
    (data,) = re.findall(r"data:image/jpeg;base64,([^\"]+)", shown)
    picture = np.asarray(Pillow.open(BytesIO(b64decode(data))), float)
    marked = np.asarray(mien.read(portrait).draw(portrait), float)
    assert np.abs(picture - marked).mean() < np.abs(picture - portrait).mean() / 2


def test_faces_of_a_table_make_the_same_table(portrait: NDArray[np.uint8]) -> None:
    for faces in (mien.read(portrait), some_faces(), Faces.empty()):
        table = faces.to_frame(landmarks=True)
        again = faces_of(table)
        pd.testing.assert_frame_equal(again.to_frame(landmarks=True), table)


def test_ones_own_detector_and_network_are_taken(portrait: NDArray[np.uint8], tiny_network: Path) -> None:
    detector, usual = MyDetector(), load_network(str(tiny_network))
    network = MyNetwork(usual)
    faces = mien.read(portrait, detector=detector, network=network)
    np.testing.assert_allclose(faces.xyxy, [[153.6, 120, 358.4, 360]], rtol=1e-5)
    assert faces.labels == ["surprise"]
    assert mien.read(portrait, detector=detector, network=tiny_network).labels != ["surprise"]
    assert detector.looked == 2


def test_ones_own_parts_stay_open(portrait_path: Path, tiny_network: Path) -> None:
    detector, network = MyDetector(), MyNetwork(load_network(str(tiny_network)))
    for _ in range(2):
        ((_, faces),) = mien.stream(portrait_path, detector=detector, network=network)
        assert len(faces) == 1
    assert len(mien.explain(portrait_path, detector=detector, network=tiny_network)) == 1
    assert (detector.closed, network.closed) == (0, 0)


def test_ones_own_parts_need_no_hash_and_are_told_apart(
    portrait: NDArray[np.uint8], tiny_network: Path
) -> None:
    class Unhashable(MyDetector):
        __hash__ = None  # type: ignore[assignment]

        def __eq__(self, other: object) -> bool:
            return isinstance(other, MyDetector)

    first, second = Unhashable(), Unhashable()
    for detector in (first, second, second):
        mien.read(portrait, detector=detector, network=tiny_network)
    assert (first.looked, second.looked) == (1, 2)


def test_choices_are_the_settings() -> None:
    assert set(Choices.__annotations__) | {"detector", "network"} == set(Settings.model_fields)
    for function in (mien.read, mien.stream, mien.explain, mien.analyze):
        hints = typing.get_type_hints(function)
        assert hints["choices"] == typing.Unpack[Choices]


def test_a_wrong_keyword_is_named(portrait_path: Path) -> None:
    with pytest.raises(mien.ConfigError, match=r"there is no setting min_face.*did you mean min_face_px"):
        mien.read(portrait_path, min_face=20)  # type: ignore[call-arg]


def test_a_wrong_setting_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = "setting every: expected a number greater than or equal to 1, received 0"
    for made in (lambda: mien.Settings(every=0), lambda: mien.Settings.model_validate({"every": 0})):
        with pytest.raises(mien.ConfigError) as told:
            made()
        assert str(told.value) == expected
    monkeypatch.chdir(tmp_path)
    Path("mien.toml").write_text("every = = 1", encoding="utf-8")
    with pytest.raises(mien.ConfigError, match=r"mien\.toml is not valid TOML"):
        mien.Settings()


def test_a_face_as_json() -> None:
    [face] = some_faces()[:1]
    assert json.loads(json.dumps(face.probabilities))["happiness"] == pytest.approx(0.4)
