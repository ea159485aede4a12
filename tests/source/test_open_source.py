"""One door for everything that gives frames."""

from __future__ import annotations

import subprocess
import sys
import traceback
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

import mien.source
from mien.errors import SourceError
from mien.source import Source, open_live, open_source
from mien.source.paced import PacedSource
from source.clips import write_clip


@pytest.mark.parametrize("where", ["portrait", "camera:97531", 97531])
def test_words_and_numbers_are_no_files(where: str | int) -> None:
    if where == "portrait":
        with closing(open_source(where)) as source:
            assert source.name == "portrait"
    else:
        with pytest.raises(SourceError, match="camera:97531: no such camera"):
            open_source(where)


def test_files_are_opened_by_kind(tmp_path: Path, portrait_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 6)
    odd = clip.rename(tmp_path / "clip.part")
    for where, count in ((portrait_path, 1), (str(portrait_path), 1), (odd, 3)):
        with closing(open_source(where, every=2)) as source:
            assert len(list(source.frames())) == count
            assert source.name == Path(where).name
            assert not source.live


def test_a_file_called_portrait_is_reached_by_its_path(
    tmp_path: Path, portrait_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "portrait").write_bytes(portrait_path.read_bytes())
    monkeypatch.chdir(tmp_path)
    for where in ("./portrait", Path("portrait")):
        with closing(open_source(where)) as source:
            assert source.report.size_wh == (512, 600)


def test_a_name_can_be_given(portrait_path: Path) -> None:
    with closing(open_source(portrait_path, name="sub/img2.jpg")) as source:
        assert [frame.source for frame in source.frames()] == ["sub/img2.jpg"]


@pytest.mark.parametrize("where", ["camera:", "camera:front", "camera:-1", -1])
def test_a_camera_has_a_number(where: str | int) -> None:
    with pytest.raises(SourceError, match=r"camera:.*: expected a camera's number, as in camera:0"):
        open_source(where)


@pytest.mark.parametrize("opens", [open_source, open_live])
def test_devices_are_cameras(opens: Callable[[str], Source]) -> None:
    with pytest.raises(SourceError, match="/dev/video97531: no such camera"):
        opens("/dev/video97531")


@pytest.mark.parametrize("opens", [open_source, open_live])
@pytest.mark.parametrize(
    ("where", "complaint"),
    [
        ("rtsp://me:secret@127.0.0.1:9/live", r"^rtsp://\*\*\*@127.0.0.1:9/live: Connection refused; check"),
        ("http://127.0.0.1:9/?secret", r"^http://127.0.0.1:9/\?\*\*\*: Connection refused; check"),
        ("rtmp://me:secret@127.0.0.1/live", "expected rtsp, rtsps, http or https"),
    ],
)
def test_addresses_are_streams(opens: Callable[[str], Source], where: str, complaint: str) -> None:
    with pytest.raises(SourceError, match=complaint) as caught:
        opens(where)
    assert "secret" not in "".join(traceback.format_exception(caught.value))


def test_a_live_file_plays_at_its_own_speed_and_ends(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 4)
    with closing(open_live(clip, name="door", fps=12.5)) as source:
        frames = list(source.frames())
    assert source.live
    assert frames[-1].index == 2
    assert {frame.source for frame in frames} == {"door"}


@pytest.mark.parametrize("where", ["clip.mp4", "portrait"])
def test_a_loop_has_no_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    monkeypatch.chdir(tmp_path)
    write_clip(Path("clip.mp4"), 2)
    seen: list[bool] = []

    class Told(PacedSource):
        def __init__(self, source: Source, *, again: Callable[[], Source] | None = None) -> None:
            seen.append(again is not None)
            super().__init__(source, again=again)

    monkeypatch.setattr("mien.source.paced.PacedSource", Told)
    for loop in (False, True):
        open_live(where, loop=loop).close()
    assert seen == [where == "portrait", True]


def test_a_missing_live_file_is_said_at_the_door(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no such file"):
        open_live(tmp_path / "gone.mp4")


@pytest.mark.parametrize("where", ["gone.mp4", "gone.jpg", "gone"])
def test_missing_files(tmp_path: Path, where: str) -> None:
    with pytest.raises(SourceError, match=f"{where}: there is no such file"):
        open_source(tmp_path / where)


def test_a_folder_is_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="expected a file, received a folder; give a file in it"):
        open_source(tmp_path)


def test_a_photograph_does_not_wait_for_the_libraries_of_video(portrait_path: Path) -> None:
    program = (
        "import sys; from mien.source import open_source\n"
        f"next(open_source({str(portrait_path)!r}).frames())\n"
        "print([name for name in ('av', 'cv2', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_public_names() -> None:
    assert mien.source.__all__ == sorted(mien.source.__all__)
    assert all(hasattr(mien.source, name) for name in mien.source.__all__)
