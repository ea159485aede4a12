"""What a request names: order, kinds, names, and what is left out."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from mien.errors import SourceError
from mien.source.inputs import find_inputs, kind_of, search
from source.clips import write_clip


def make(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


def names(*paths: Path | str) -> list[str]:
    return [item.name for item in find_inputs(paths)]


def test_a_folder_is_searched_in_natural_order(tmp_path: Path) -> None:
    make(tmp_path, "img10.jpg", "img2.jpg", "IMG1.JPG", "sub/b.mp4", "sub/deep/a.png", "clip.MOV")
    inputs = find_inputs([tmp_path])
    assert [item.name for item in inputs] == [
        "clip.MOV", "IMG1.JPG", "img2.jpg", "img10.jpg", "sub/b.mp4", "sub/deep/a.png",
    ]  # fmt: skip
    assert [item.path for item in inputs] == [tmp_path / item.name for item in inputs]
    assert [item.kind for item in inputs] == [
        "video", "photograph", "photograph", "photograph", "video", "photograph",
    ]  # fmt: skip


def test_hidden_and_unknown_files_are_left_out(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", ".b.jpg", "._a.jpg", ".cache/c.jpg", "notes.txt", "Thumbs.db", "app.ts", "noend")
    assert names(tmp_path) == ["a.jpg"]


def test_the_order_of_the_request_is_kept(tmp_path: Path) -> None:
    make(tmp_path, "z.jpg", "more/a.jpg", "more/b.jpg", "c.mp4")
    assert names(tmp_path / "z.jpg", tmp_path / "more", tmp_path / "c.mp4") == [
        "z.jpg", "a.jpg", "b.jpg", "c.mp4",
    ]  # fmt: skip


def test_what_two_paths_lead_to_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a.jpg", "sub/b.jpg")
    (tmp_path / "sub" / "link.jpg").symlink_to(tmp_path / "a.jpg")
    monkeypatch.chdir(tmp_path)
    assert names(".") == ["a.jpg", "sub/b.jpg"]
    assert names("sub/b.jpg", tmp_path, "./a.jpg", "sub/../a.jpg") == ["b.jpg", "a.jpg"]


def test_names_that_collide_take_in_the_folders_above(tmp_path: Path) -> None:
    make(tmp_path, "mon/cam/1.mp4", "tue/cam/1.mp4", "tue/cam/2.mp4", "wed/1.mp4")
    found = names(tmp_path / "mon" / "cam", tmp_path / "tue" / "cam", tmp_path / "wed" / "1.mp4")
    assert found == ["mon/cam/1.mp4", "tue/cam/1.mp4", "2.mp4", "wed/1.mp4"]


@given(
    places=st.lists(
        st.lists(st.sampled_from(["a", "b", "c1", "c02"]), max_size=4).map("/".join), min_size=1, max_size=6
    ),
    roots=st.lists(st.sampled_from(["a", "b", "a/a", "."]), min_size=1, max_size=4),
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_names_are_unique_relative_and_end_like_the_path(
    tmp_path_factory: pytest.TempPathFactory, places: list[str], roots: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("tree")
    make(folder, *(f"./{place}/x.jpg" for place in places), *(f"./{place}/y.mp4" for place in places))
    paths = [folder / root for root in roots if (folder / root).is_dir()] + [folder / places[0] / "x.jpg"]
    inputs = find_inputs(paths)
    found = [PurePosixPath(item.name) for item in inputs]
    assert len(set(found)) == len(found)
    assert len({item.path.resolve() for item in inputs}) == len(inputs)
    for item, name in zip(inputs, found, strict=True):
        assert not name.is_absolute()
        assert ".." not in name.parts
        assert item.path.resolve().parts[-len(name.parts) :] == name.parts


def test_a_file_with_an_odd_name_is_known_by_its_content(tmp_path: Path) -> None:
    Pillow.new("RGB", (8, 8)).save(tmp_path / "scan.001", "PNG")
    write_clip(tmp_path / "clip.mp4", 3).rename(tmp_path / "clip.part")
    (tmp_path / "letter").write_text("Dear Sir,")
    kinds = [
        item.kind
        for item in find_inputs([tmp_path / "scan.001", tmp_path / "clip.part", tmp_path / "letter"])
    ]
    assert kinds == ["photograph", "video", "video"]
    assert kind_of(tmp_path / "scan.001") == "photograph"


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ("gone.jpg", "no such file or folder"),
        ("nothing", "expected photographs .* or videos .*, received none"),
    ],
)
def test_what_cannot_be_found_is_said_with_its_path(tmp_path: Path, where: str, reason: str) -> None:
    make(tmp_path, "nothing/readme.md", "nothing/.hidden.jpg")
    with pytest.raises(SourceError, match=reason) as caught:
        find_inputs([tmp_path / where])
    assert str(caught.value).startswith(f"{tmp_path / where}: ")
    assert "\n" not in str(caught.value)


def test_a_folder_that_may_not_be_read_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a.jpg", "locked/b.jpg")
    scan = os.scandir

    def refusing(path: str) -> object:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(SourceError, match="locked: no permission to look into it"):
        find_inputs([tmp_path])


def test_no_paths_give_no_inputs() -> None:
    assert find_inputs([]) == []


PACKET = b"\x47" + bytes(187)
PACK = b"\x00\x00\x01\xba" + bytes(60)


@pytest.mark.parametrize(
    ("name", "content", "taken"),
    [
        ("VTS_01_1.VOB", PACK, True),
        ("clip.asf", b"x", True),
        ("clip.f4v", b"x", True),
        ("clip.h264", b"x", True),
        ("MOV001.MOD", PACK, True),
        ("MOV001.MOD", PACKET * 4, True),
        ("go.mod", b"module example.org/mien\n", False),
        ("recorded.ts", PACKET * 4, True),
        ("cut.ts", PACKET[77:] + PACKET * 4, True),
        ("with_times.mts", (b"\0\0\0\0" + PACKET) * 4, True),
        ("with_parity.ts", (PACKET + bytes(16)) * 4, True),
        ("component.ts", b"import { G } from 'GGG';\n" * 40, False),
        ("component.mts", b"G" * 100, False),
        ("empty.ts", b"", False),
    ],
)
def test_videos_of_cameras_recorders_and_discs(
    tmp_path: Path, name: str, content: bytes, taken: bool
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    (tmp_path / name).write_bytes(content)
    found = search([tmp_path])
    assert (name in [each.name for each in found.inputs]) is taken
    assert found.skipped == (() if taken else (tmp_path / name,))


def test_a_folder_with_nothing_to_read_says_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(b"x")
    with pytest.raises(SourceError, match=r"received none, but a\.raw;"):
        find_inputs([tmp_path])
