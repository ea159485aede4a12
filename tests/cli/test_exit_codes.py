"""One rule of exit codes: the same kind of fault ends every command that reads films or tables alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.helpers import Run

FAILED, WRONG_USE = 1, 2

FILMS = ("happy", "summarize", "sentiment", "micro", "infant", "explain", "crowd", "analyze")
TABLES = {
    "cohort": ("cohort", "{}", "--label", "label"),
    "faces": ("train", "{}"),
    "happy-video": ("train", "{}", "--recipe", "happy-video"),
    "video-sentiment": ("train", "{}", "--recipe", "video-sentiment"),
    "micro": ("train", "{}", "--recipe", "micro"),
}


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """A folder of what people give by mistake."""
    (tmp_path / "folder").mkdir()
    for name in ("empty.mp4", "empty.csv"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "text.mp4").write_text("dear diary\n" * 100)
    (tmp_path / "clip.mp4").write_bytes(b"x")
    rows = [f"clip.mp4,happiness,{each},{each},0.1{each},0,0.1" for each in range(30)]
    (tmp_path / "one.csv").write_text(
        "\n".join(["path,label,person,subject,measure,onset_s,apex_s", *rows, ""]), encoding="utf-8"
    )
    return tmp_path


@pytest.mark.parametrize("given", ["missing.mp4", "folder", "text.mp4", "empty.mp4"])
@pytest.mark.parametrize("command", FILMS)
def test_a_film_that_is_none_has_failed(run: Run, inputs: Path, command: str, given: str) -> None:
    ran = run(command, inputs / given)
    assert (ran.code, len(ran.errors)) == (FAILED, 1)
    assert str(inputs / given) in ran.errors[0]


@pytest.mark.parametrize("given", ["missing.csv", "folder", "empty.csv", "one.csv"])
@pytest.mark.parametrize("command", [pytest.param(each, id=name) for name, each in TABLES.items()])
def test_a_table_that_is_none_or_has_one_label_has_failed(
    run: Run, inputs: Path, command: tuple[str, ...], given: str
) -> None:
    ran = run(*(each.format(inputs / given) for each in command))
    assert (ran.code, len(ran.errors)) == (FAILED, 1), ran.errors
    assert Path(given).stem in ran.errors[0]


@pytest.mark.parametrize("command", ["summarize", "sentiment", "micro", "infant"])
def test_a_folder_for_results_that_is_a_file_is_refused_before_the_film_is_read(
    run: Run, inputs: Path, shared: Path, command: str
) -> None:
    film = shared / "data" / "video" / "no_face.mp4"
    ran = run(command, film, "--out", inputs / "text.mp4")
    assert (ran.code, len(ran.errors)) == (FAILED, 1)
    assert ran.errors[0].endswith("text.mp4 is a file; choose another folder")


@pytest.mark.parametrize(
    "command",
    [
        *((each,) for each in FILMS),
        ("cohort", "one.csv"),
        ("cohort", "one.csv", "--label", "gone"),
        ("train",),
    ],
)
def test_what_the_command_lacks_is_wrong_use(run: Run, inputs: Path, command: tuple[str, ...]) -> None:
    ran = run(*(inputs / each if each.endswith(".csv") else each for each in command))
    assert (ran.code, len(ran.errors)) == (WRONG_USE, 1)


def test_a_network_of_another_kind_has_failed(run: Run, inputs: Path, tiny_network: Path) -> None:
    for arguments in (
        ("happy", "--network", tiny_network),
        ("sentiment", "--network", tiny_network),
        ("infant", "--model", "happy-video"),
        ("summarize", "--network", "happy-video"),
    ):
        command, *rest = arguments
        ran = run(command, inputs / "clip.mp4", *rest)
        assert (ran.code, len(ran.errors)) == (FAILED, 1), ran.errors
