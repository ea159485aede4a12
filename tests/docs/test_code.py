"""The code in the documentation: commands are understood by the command line, and Python runs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from markdown_it import MarkdownIt
from markdown_it.token import Token
from numpy.typing import NDArray
from PIL import Image

import build_site
from agreement.written import deepface
from cli.helpers import save_clip
from mien.cli import app, main
from mien.cli.commands import AddsByDefault
from mien.source.video import VideoSource

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "src" / "mien" / "models").rglob("*.md")),
    *sorted((ROOT / "examples").glob("*.md")),
]
SHELL = {"", "console", "sh", "bash"}
MIEN: Any = typer.main.get_command(app)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@cache
def tokens(page: Path) -> list[Token]:
    parsed = MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8"))
    return [each for token in parsed for each in (token, *(token.children or ()))]


def blocks(page: Path, languages: set[str]) -> Iterator[tuple[int, str]]:
    """Return the code blocks in some languages, with the line on which each starts."""
    for token in tokens(page):
        if token.type in {"fence", "code_block"} and token.info.strip() in languages:
            yield (token.map or [0])[0] + 1, token.content


def mien_commands(text: str) -> Iterator[list[str]]:
    """Return the arguments of each call of mien in a block of a shell's lines."""
    for line in text.replace("\\\n", " ").splitlines():
        for call in re.split(r"\s(?:&&|\|)\s", line.strip().removeprefix("$ ")):
            words = shlex.split(call, comments=True) if re.match(r"[\w/=.$ -]*\bmien\s", call) else []
            while words and ("=" in words[0] or words[0] == "sudo"):
                words = words[1:]
            if words and Path(words[0]).name == "mien":
                yield words[1 : next((i for i, word in enumerate(words) if word[0] in "<>"), None)]


def parse(arguments: list[str]) -> Any:
    """Parse a command line as mien does, without doing it.

    Returns:
        typer's object of the command.

    Raises:
        Exception: a usage error of typer's.
    """
    command, context = MIEN, None
    while True:
        context = command.make_context(command.name, list(arguments), parent=context)
        rest = [*getattr(context, "_protected_args", ()), *context.args]
        if not hasattr(command, "resolve_command") or not rest:
            return command
        _, command, arguments = command.resolve_command(context, rest)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_are_understood(page: Path) -> None:
    wrong = []
    for line, text in blocks(page, SHELL):
        for arguments in mien_commands(text):
            try:
                parse(arguments)
            except typer.Exit:
                pass
            except typer.BadParameter.__bases__[0] as error:
                wrong.append(f"line {line}: mien {shlex.join(arguments)}: {error.format_message()}")
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_in_a_sentence_exist_with_their_options(page: Path) -> None:
    """A sentence names a command without all that it needs, so its name and options alone are looked at."""
    wrong = []
    for token in tokens(page):
        words = token.content.split() if token.type == "code_inline" else []
        if words[:1] == ["mien"] and len(words) > 1 and not words[1].startswith(("-", ".", "/")):
            wrong += [f"{token.content}: {each}" for each in unknown(words[1:])]
    assert wrong == []


def unknown(words: list[str]) -> list[str]:
    command = MIEN
    while words and hasattr(command, "get_command") and words[0][0] not in "-." and words[0].islower():
        own = command.get_command(None, words[0])
        if own is None:
            return [] if command.invoke_without_command else [words[0]]
        command, words = own, words[1:]
    if isinstance(command, AddsByDefault):
        command = command.get_command(None, command.default)
    options = {option for param in command.params for option in (*param.opts, *param.secondary_opts)}
    given = [word.split("=")[0].rstrip(",.") for word in words if re.match(r"--?[a-z]", word)]
    return [option for option in given if option not in options | {"--help", "--debug", "--version"}]


COMMANDS = dict(build_site.commands())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_has_an_example_that_is_understood(name: str) -> None:
    """A group of commands needs none, unless it does something by itself."""
    command = COMMANDS[name]
    if hasattr(command, "list_commands") and not command.invoke_without_command:
        return
    examples = re.findall(r"^ *(?:Examples?: *)?(mien .*)", command.help, re.MULTILINE)
    assert examples
    found = [parse(arguments) for line in examples for arguments in mien_commands(line)]
    assert command.name in {each.name for each in found}


def test_what_is_wrong_is_seen() -> None:
    lines = (
        "MIEN_NETWORK=x.onnx mien analyze a.mp4 --bogus | less\nmien show  # nothing\nmien \\\n  --version\n"
    )
    assert list(mien_commands(lines)) == [["analyze", "a.mp4", "--bogus"], ["show"], ["--version"]]
    for arguments in (["analyze", "a.mp4", "--bogus"], ["analyze"], ["show"], ["store", "burn"]):
        with pytest.raises(typer.BadParameter.__bases__[0]):
            parse(arguments)
    parse(["store", "audit", "--verify"])
    assert unknown(["store", "burn"]) == ["burn"]
    assert unknown(["analyze", "--bogus", "--out"]) == ["--bogus"]


WITH_PYTHON = [page for page in PAGES if any(blocks(page, {"python"}))]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, portrait: NDArray[np.uint8]) -> Path:
    """A folder with the files that the documentation's code reads."""
    folder = tmp_path_factory.mktemp("documented")
    face = Image.fromarray(portrait).resize((256, 300))
    (folder / "corpus").mkdir()
    for name in ("holiday.jpg", "family.jpg", "corpus/first.jpg"):
        face.save(folder / name)
    images = [np.roll(np.asarray(face), 2 * index, axis=1) for index in range(8)]
    for name in ("session.mp4", "corpus/second.mp4"):
        save_clip(folder / name, images)
    (folder / "deepface").mkdir()
    deepface(folder / "deepface" / "session.json", [["neutral"]] * len(images))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        store = ["--store", "record.sqlite"]
        assert main(["analyze", "session.mp4", "--quiet"]) == 0
        assert main(["convert", "mien-results", "--to", "xdf", "--out", "xdf"]) == 0
        assert main(["simulate", "P-017", "--weeks", "9", "--minutes", "2", "--missing", "0", *store]) == 0
        assert main(["simulate", "venue", "restaurant", "--weeks", "4", *store]) == 0
    return folder


@pytest.mark.parametrize("page", WITH_PYTHON, ids=name_of)
def test_python_runs(page: Path, prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of a page run one after another, as a reader would run them."""
    monkeypatch.chdir(prepared)
    monkeypatch.setenv("MIEN_STORE", str(prepared / "record.sqlite"))
    monkeypatch.setenv("MIEN_CONFIG", str(prepared / "config"))
    # The camera of a machine without one.
    monkeypatch.setattr("mien.source.camera.CameraSource", lambda *_, **__: VideoSource(Path("session.mp4")))
    monkeypatch.setattr("builtins.input", lambda *_: "")
    names: dict[str, Any] = {"__name__": "documented"}
    for line, text in blocks(page, {"python"}):
        exec(compile("\n" * line + text, str(page), "exec"), names)
    assert len(names) > 2


def test_the_glossary_names_what_the_code_has() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    [glossary] = re.findall(r"^## Words\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    named = re.findall(
        r"`([^`]+)`", "".join(line.rsplit("|", 2)[1] for line in glossary.splitlines() if "|" in line)
    )
    files = {str(path.relative_to(ROOT / "src" / "mien")) for path in (ROOT / "src" / "mien").rglob("*.py")}
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    assert len(named) > 30
    for name in named:
        is_file = any(f"/{file}".endswith(f"/{name}") for file in files)
        assert is_file or re.search(rf"^ *(class|def) {name}\b|^ *{name}\b.*[:=]", source, re.MULTILINE), name
