from __future__ import annotations

from pathlib import Path

import pytest

from mien.analysis.task import passed_over, plan


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def test_a_folder_s_inputs_come_in_natural_order_under_their_place_in_it(tmp_path: Path) -> None:
    touch(tmp_path, "img10.jpg", "img2.jpg", "b/img1.png", "b/film.mp4", "notes.txt")
    tasks, failures, _ = plan([tmp_path])
    assert failures == []
    assert [task.name for task in tasks] == ["b/film.mp4", "b/img1.png", "img2.jpg", "img10.jpg"]
    assert [task.kind for task in tasks] == ["video", "photograph", "photograph", "photograph"]
    assert [task.stem for task in tasks] == ["b/film", "b/img1", "img2", "img10"]
    assert all(Path(task.where).is_file() for task in tasks)


def test_paths_come_in_the_order_given_and_each_file_once(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b.jpg")
    tasks, _, _ = plan([tmp_path / "b.jpg", tmp_path, tmp_path / "." / "b.jpg"])
    assert [task.name for task in tasks] == ["b.jpg", "a.jpg"]


def test_a_path_in_which_nothing_is_found_leaves_the_others(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    (tmp_path / "empty").mkdir()
    tasks, failures, _ = plan([tmp_path / "gone.mp4", tmp_path / "a.jpg", tmp_path / "empty"])
    assert [task.name for task in tasks] == ["a.jpg"]
    assert [failure.source for failure in failures] == [str(tmp_path / "gone.mp4"), str(tmp_path / "empty")]
    assert all(failure.source in failure.error for failure in failures)


def test_a_camera_or_stream_is_refused_and_its_password_kept(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    tasks, failures, _ = plan(["rtsp://me:secret@camera/live", tmp_path / "a.jpg", "camera:0"])
    assert [task.name for task in tasks] == ["a.jpg"]
    assert [failure.source for failure in failures] == ["rtsp://***@camera/live", "camera:0"]
    for failure in failures:
        assert failure.error.startswith(f"{failure.source}: expected a file or folder, received a camera or")


def test_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    touch(tmp_path, "monday/a.mp4", "tuesday/a.mp4")
    tasks, _, _ = plan([tmp_path / "monday", tmp_path / "tuesday"])
    assert [task.name for task in tasks] == ["monday/a.mp4", "tuesday/a.mp4"]
    assert len({task.stem for task in tasks}) == 2


def test_earlier_results_are_not_read(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", "mien-results/a.png", "mien-results/a.annotated.mp4")
    out = tmp_path / "mien-results"
    assert [task.name for task in plan([tmp_path], out)[0]] == ["a.mp4"]
    assert [task.name for task in plan([out], out)[0]] == ["a.annotated.mp4", "a.png"]
    assert [task.name for task in plan([out / "a.png"], out)[0]] == ["a.png"]
    assert len(plan([tmp_path], tmp_path)[0]) == 3


def test_nothing_but_earlier_results(tmp_path: Path) -> None:
    touch(tmp_path, "mien-results/a.png")
    tasks, (failure,), _ = plan([tmp_path], tmp_path / "mien-results")
    assert tasks == []
    assert "nothing to read except earlier results" in failure.error


@pytest.mark.parametrize(
    ("names", "stems"),
    [
        (["a.mov", "a.mp4"], ["a.mov", "a.mp4"]),
        (["a.mp4", "b.mp4"], ["a", "b"]),
        (["a.mp4", "a.jpg"], ["a", "a"]),
        (["A.mp4", "a.mov"], ["A.mp4", "a.mov"]),
        (["a.b.mp4"], ["a.b"]),
    ],
)
def test_pictures_are_named_so_that_none_replaces_another(
    tmp_path: Path, names: list[str], stems: list[str]
) -> None:
    touch(tmp_path, *names)
    tasks, _, _ = plan([tmp_path / name for name in names])
    assert [task.stem for task in tasks] == stems


def test_what_is_passed_over_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "notes.txt", "b/raw.CR3", ".hidden", "out/table.csv")
    _, failures, skipped = plan([tmp_path], tmp_path / "out")
    assert failures == []
    assert [path.relative_to(tmp_path).as_posix() for path in skipped] == ["b/raw.CR3", "notes.txt"]
    assert plan([tmp_path, tmp_path / "b" / "raw.CR3"])[2] == [
        tmp_path / "notes.txt",
        tmp_path / "out/table.csv",
    ]
    assert passed_over(skipped).startswith(
        "2 files skipped, neither a photograph nor a video by suffix: raw.CR3, notes.txt; name a file itself"
    )
    assert "f0.x, f1.x, f2.x, f3.x, f4.x and 7 more" in passed_over([Path(f"f{n}.x") for n in range(12)])


@pytest.mark.parametrize("letter", ["a", "ä", "😀"])
def test_the_longest_names_leave_room_for_their_pictures(tmp_path: Path, letter: str) -> None:
    """249 bytes and ".annotated.jpg" are no name that a disk takes."""
    longest = letter * (245 // len(letter.encode()))
    touch(tmp_path, f"{longest}.jpg", f"{longest[:-1]}b.jpg", f"{longest}.png")
    tasks, _, _ = plan([tmp_path])
    assert len({task.stem for task in tasks}) == 3
    for task in tasks:
        assert task.name.startswith(longest[:-1])
        assert task.stem.startswith(letter * 40)
        (tmp_path / f"{task.stem} (10).annotated.mp4").write_bytes(b"x")
