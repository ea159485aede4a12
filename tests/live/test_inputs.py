from __future__ import annotations

from pathlib import Path

import pytest

from mien.errors import ConfigError, SourceError
from mien.live.inputs import PLAIN, LiveInput, find_live_inputs, find_profile


@pytest.fixture
def film(tmp_path: Path) -> str:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"some film")
    return str(path)


def test_each_kind_of_place(film: str) -> None:
    inputs = find_live_inputs(
        ["0", "camera:1", "/dev/video2", "rtsp://me:secret@cam.local/live", film, "portrait"]
    )
    assert inputs == [
        LiveInput("camera:0", "camera:0", "camera:0", "camera"),
        LiveInput("camera:1", "camera:1", "camera:1", "camera"),
        LiveInput("/dev/video2", "/dev/video2", "video2", "camera"),
        LiveInput("rtsp://me:secret@cam.local/live", "rtsp://***@cam.local/live", "cam.local", "stream"),
        LiveInput(film, film, "film.mp4", "file"),
        LiveInput("portrait", "portrait", "portrait", "portrait"),
    ]
    assert [each.restarts for each in inputs] == [True, True, True, True, False, False]


def test_names_are_different_and_those_given_stay() -> None:
    wheres = ["rtsp://cam/a", "rtsp://cam/b", "rtsp://cam/c"]
    assert [each.name for each in find_live_inputs(wheres)] == ["cam", "cam-2", "cam-3"]
    assert [each.name for each in find_live_inputs(wheres, ["cam-2"])] == ["cam-2", "cam", "cam-3"]


@pytest.mark.parametrize(
    ("wheres", "names", "error", "message"),
    [
        (["no-such.mp4"], [], SourceError, "no-such.mp4: there is no such file"),
        (["camera:front"], [], SourceError, "expected a camera's number"),
        (["ftp://host/film"], [], SourceError, "expected rtsp, rtsps, http or https"),
        (["0"], ["a", "b"], ConfigError, "at most one for each source, received a, b"),
        (["0", "1"], ["a", "a"], ConfigError, "different ones, received 'a' twice"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_opened(
    wheres: list[str], names: list[str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        find_live_inputs(wheres, names)


def test_no_error_tells_a_password() -> None:
    with pytest.raises(SourceError) as raised:
        find_live_inputs(["ftp://me:secret@host/film"])
    assert "secret" not in str(raised.value)


def test_profiles() -> None:
    assert find_profile(None) is PLAIN
    pi = find_profile("pi")
    assert pi.size_wh == (320, 240)
    assert pi.settings["fps"] == 10
    assert pi.settings["threads"] >= 1
    with pytest.raises(ConfigError, match="profile: expected pi, received 'mainframe'"):
        find_profile("mainframe")
