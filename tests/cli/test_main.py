from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import build_site
import mien
import mien.cli
from cli.helpers import ENVIRONMENT, Run, run_process
from mien.cli.commands import COMMANDS as TABLE
from mien.cli.commands import LazyCommands
from mien.errors import MienError

COMMANDS = [name.removeprefix("mien ") for name, _ in build_site.commands()]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(run: Run, command: str) -> None:
    ran = run(*command.split(), "--help")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.split()[:2] == ["Usage:", "mien"]


def test_help_names_every_command(run: Run) -> None:
    ran = run("--help")
    assert ran.code == 0
    assert all(name in ran.out for name in TABLE)


def test_a_command_is_listed_with_the_first_paragraph_of_its_help() -> None:
    """The list is written down, so that it is shown without loading what it lists."""
    root = typer.main.get_command(mien.cli.app)
    helps = {name: root.get_command(None, name).help.split("\n\n") for name in TABLE}  # type: ignore[attr-defined]
    assert {name: " ".join(paragraphs[0].split()) for name, paragraphs in helps.items()} == {
        name: command.help for name, command in TABLE.items()
    }


def test_help_lists_the_commands_in_groups_of_at_most_ten() -> None:
    root = typer.main.get_command(mien.cli.app)
    assert isinstance(root, LazyCommands)
    groups = root.groups()
    assert list(groups) == ["Read", "Videos", "Live", "Record", "Train", "Care"]
    assert max(map(len, groups.values())) <= 10
    assert sorted(name for names in groups.values() for name in names) == sorted(root.list_commands(None))  # type: ignore[arg-type]


def test_help_shows_each_group_with_its_commands(run: Run) -> None:
    sections = run("--help").out.split("\n\n")
    [read] = [section for section in sections if section.startswith("Read:\n")]
    names = [line.split()[0] for line in read.splitlines()[1:]]
    assert names == ["analyze", "convert", "explain", "corpus", "crowd", "agree", "signals", "demo"]


@pytest.mark.parametrize(
    ("words", "index", "completed"),
    [
        ("mien ana", "1", "analyze"),
        ("mien store ", "2", "check"),
        ("mien analyze --detec", "2", "--detector"),
    ],
)
def test_the_shell_completes_commands_and_options(
    words: str,
    index: str,
    completed: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = {"_MIEN_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": index}
    for name, value in asked.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match="0"):
        mien.cli.main([])
    assert completed in capsys.readouterr().out.split()


def test_without_arguments_it_prints_help(run: Run) -> None:
    assert run().out == run("--help").out


def test_version(run: Run) -> None:
    ran = run("--version")
    assert (ran.code, ran.out) == (0, f"mien {mien.__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["analyse"], "analyse"),
        (["analyze"], "PATH"),
        (["analyze", "a.jpg", "--formt", "csv"], "--formt"),
        (["analyze", "a.jpg", "--format", "xls"], "xls"),
        (["analyze", "a.jpg", "--every", "two"], "every"),
        (["analyze", "a.jpg", "--every", "0"], "setting every: expected a number greater than or equal to 1"),
        (["analyze", "a.jpg", "--fps", "-1"], "fps"),
        (["analyze", "a.jpg", "--jobs", "-1"], "jobs"),
        (["analyze", "a.jpg", "--detector", "dlib"], "detector"),
        (["models", "fetch"], "NAME"),
        (["user", "add", "anna"], "admin, clinician, self"),
    ],
)
def test_wrong_use_is_one_line_and_exits_with_2(run: Run, arguments: list[str], named: str) -> None:
    ran = run(*arguments)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.count("\n") == 1
    assert named in ran.errors[0]


def test_a_traceback_only_with_debug(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MienError("the disk is on fire")

    monkeypatch.setattr("mien.analysis.api.plan", fail)
    plain, debug = run("analyze", "a.jpg"), run("analyze", "a.jpg", "--debug")
    assert (plain.code, plain.err) == (1, "mien: error: the disk is on fire\n")
    assert debug.code == 1
    assert "Traceback" in debug.err
    assert debug.errors == ["the disk is on fire"]


def test_a_mistake_of_ours_is_one_line_too(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("faces")

    monkeypatch.setattr("mien.analysis.api.plan", fail)
    ran = run("analyze", "a.jpg")
    assert ran.code == 1
    assert ran.errors == ["KeyError: 'faces' (a mistake in mien; --debug shows where)"]


def test_interrupted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mien.analysis.api.plan", interrupt)
    ran = run("analyze", "a.jpg")
    assert (ran.code, ran.errors) == (130, ["interrupted"])


def test_python_m_mien_is_mien() -> None:
    ran = run_process("--version")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, f"mien {mien.__version__}\n", "")


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys; from mien.cli import main; main(['--help']);"
        "heavy = {'numpy', 'cv2', 'pydantic', 'pandas', 'onnxruntime', 'matplotlib'} & set(sys.modules);"
        "print(sorted(heavy), file=sys.stderr)"
    )
    command = [sys.executable, "-c", script]
    ran = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert ran.stderr == "[]\n"


def test_no_command_s_help_waits_for_what_is_slow_to_import() -> None:
    """One process for all of them: what a module loads, its command's help waits for."""
    modules = sorted({f"mien.cli.{entry.module}" for entry in TABLE.values()})
    script = (
        f"import sys, importlib; [importlib.import_module(each) for each in {modules}];"
        "slow = {'pandas', 'scipy.stats', 'matplotlib', 'keras', 'fastapi', 'ruptures', 'pyarrow'};"
        "print(sorted(slow & set(sys.modules)))"
    )
    command = [sys.executable, "-c", script]
    ran = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_a_closed_pipe_leaves_no_traceback() -> None:
    command = [sys.executable, "-m", "mien", "--help"]
    with subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 1


ONE_AFTER_ANOTHER = """
import json, sys
from mien.cli import main
codes = []
for arguments in json.loads(sys.argv[1]):
    codes.append(main(arguments))
    print(end="\\f")
print(codes)
"""


@pytest.mark.parametrize("encoding", ["cp1252", pytest.param("utf-8", marks=pytest.mark.exhaustive)])
def test_an_output_that_lacks_characters_gets_escapes(encoding: str, tmp_path: Path) -> None:
    """A path in Greek on a terminal in cp1252 was "a mistake in mien"."""
    environment = {**ENVIRONMENT, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    store, name = tmp_path / "σ.sqlite", "λ→😀"
    runs = [
        ["subject", "add", "P-1", "--store", store],
        ["consent", "give", "P-1", "--by", name, "--for", "research", "--store", store],
        ["consent", "list", "P-1", "--store", store],
        ["consent", "list", "P-1", "--store", store, "--json"],
        ["analyze", tmp_path / f"{name}.jpg"],
    ]
    ran = subprocess.run(
        [sys.executable, "-c", ONE_AFTER_ANOTHER, json.dumps(runs, default=str)],
        env=environment, capture_output=True, check=True,
    )  # fmt: skip
    _, _, listed, as_json, _, codes = ran.stdout.decode(encoding).split("\f")
    assert json.loads(codes) == [0, 0, 0, 0, 1]
    escaped = name if encoding == "utf-8" else r"\u03bb\u2192\U0001f600"
    assert escaped in listed
    assert name in json.dumps(json.loads(as_json), ensure_ascii=False)
    assert escaped in ran.stderr.decode(encoding)
    assert b"a mistake in mien" not in ran.stderr
