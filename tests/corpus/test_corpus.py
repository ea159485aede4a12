"""A corpus on one machine: each input exactly once, whatever happens between."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

import mien
from corpus.fake import FakeReader, fill, run, tree
from mien.corpus import scratch as scratch_module
from mien.corpus.corpus import Corpus
from mien.corpus.engines import MOST_DEATHS, _Crew
from mien.corpus.scratch import scratch, scratch_root, sweep_scratch
from mien.corpus.storage import LocalFolder, download, find, shown
from mien.corpus.version import Input, Version
from mien.errors import ConfigError, MienError, OutputError, SourceError


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    return folder


class KilledError(BaseException):
    """The process is no more."""


@pytest.fixture
def kill_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return what sets after how many steps the process dies: nothing that it would do then happens."""
    steps = {"left": -1}

    def mortal(owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def step(*arguments: Any, **named: Any) -> Any:
            if steps["left"] == 0:
                raise KilledError
            steps["left"] -= 1
            return real(*arguments, **named)

        monkeypatch.setattr(owner, name, step)

    for owner, name in (
        (Path, "replace"),
        (Path, "unlink"),
        (Path, "mkdir"),
        (os, "fsync"),
        (scratch_module.shutil, "rmtree"),
    ):
        mortal(owner, name)
    yield lambda left: steps.update(left=left)
    steps["left"] = -1


def test_killed_at_every_step_it_ends_the_same(tmp_path: Path, kill_at: Any) -> None:
    inputs = fill(tmp_path / "inputs", 2)
    run(tmp_path / "undisturbed", inputs)
    expected = tree(tmp_path / "undisturbed")
    for step in count():
        corpus = tmp_path / f"killed{step}"
        kill_at(step)
        try:
            run(corpus, inputs)
        except KilledError:
            died = True
        else:
            died = False
        kill_at(-1)
        run(corpus, inputs)
        assert tree(corpus) == expected, step
        assert [each.name for each in scratch_root().iterdir()] == ["making"], step
        if not died:
            break
    assert step > 30


def test_only_what_is_missing_is_read(tmp_path: Path) -> None:
    inputs = fill(tmp_path / "inputs", 4)
    run(tmp_path / "corpus", inputs)
    marks = {path: path.stat().st_mtime_ns for path in tmp_path.glob("corpus/*/done/*")}
    (inputs / "clip1.mp4").write_bytes(b"new")
    (inputs / "clip9.mp4").write_bytes(b"more")
    run(tmp_path / "corpus", inputs)
    assert {path: path.stat().st_mtime_ns for path in marks} == marks
    corpus = Corpus(tmp_path / "corpus")
    status = corpus.status()
    assert (status.inputs, status.done, status.failed, status.left) == (5, 4, 1, 0)
    assert status.errors == {"unreadable": 1}
    rows = corpus.frame().groupby("source")["track"].apply(bytes).to_dict()
    assert rows == {
        "clip0.mp4": b"\x01\x02\x03",
        "clip1.mp4": b"new",
        "clip2.mp4": bytes(range(3, 8)),
        "clip9.mp4": b"more",
    }
    assert list(corpus.frame("summary")["rows"]) == [3, 3, 5, 4]


def test_an_error_is_a_row_and_is_retried(tmp_path: Path) -> None:
    inputs = fill(tmp_path / "inputs")
    made = run(tmp_path / "corpus", inputs)
    (error,) = Corpus(tmp_path / "corpus").errors().to_dict("records")
    assert error["source"] == "clip2.mp4"
    assert error["error"] == f"cannot read {inputs / 'clip2.mp4'}: it is bad"
    made._version.forget_failures()
    assert Corpus(tmp_path / "corpus").status().left == 1
    assert made.read(None).failed == 1
    (inputs / "clip2.mp4").unlink()
    made._version.forget_failures()
    made.read(None)
    assert list(Corpus(tmp_path / "corpus").errors()["kind"]) == ["unreachable"]


def test_another_setting_makes_a_version_beside_the_old(tmp_path: Path) -> None:
    inputs = fill(tmp_path / "inputs")
    first = run(tmp_path / "corpus", inputs)
    before = tree(tmp_path / "corpus")
    second = run(tmp_path / "corpus", inputs, every=2)
    assert first._version.key != second._version.key
    after = tree(tmp_path / "corpus")
    assert {name: after[name] for name in before if name != "current.json"}.items() <= before.items()
    assert Corpus(tmp_path / "corpus").status().version == second._version.key
    assert run(tmp_path / "corpus", inputs, smooth_half_life_s=2)._version.key == first._version.key


def test_a_version_without_a_table_hides_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = fill(tmp_path / "inputs")
    first = run(tmp_path / "corpus", inputs)

    def interrupted(self: FakeReader, what: Any) -> None:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(FakeReader, "read", interrupted)
        with pytest.raises(KilledError):
            run(tmp_path / "corpus", inputs, every=2)
    assert Corpus(tmp_path / "corpus").status().version == first._version.key
    second = run(tmp_path / "corpus", inputs, every=2)
    assert Corpus(tmp_path / "corpus").status().version == second._version.key
    run(tmp_path / "corpus", inputs)
    assert Corpus(tmp_path / "corpus").status().version == first._version.key


def test_a_second_run_is_refused(tmp_path: Path) -> None:
    inputs = fill(tmp_path / "inputs")
    run(tmp_path / "corpus", inputs)
    corpus = Corpus(tmp_path / "corpus")
    with LocalFolder(tmp_path / "corpus").alone():
        with pytest.raises(OutputError, match="another run writes this corpus"):
            corpus.analyze(inputs, workers=1)
        with pytest.raises(OutputError, match="another run writes this corpus"):
            corpus.retry(workers=1)
        assert corpus.status().failed == 1
    with LocalFolder(tmp_path / "corpus").alone():
        pass


def test_names_that_two_inputs_share(tmp_path: Path) -> None:
    one, other = fill(tmp_path / "one", 2), fill(tmp_path / "other", 2)
    run(tmp_path / "corpus", one)
    run(tmp_path / "corpus", other)
    assert set(Corpus(tmp_path / "corpus").frame()["source"]) == {"clip0.mp4", str(other / "clip0.mp4")}


def test_what_the_living_use_is_not_swept(temporary: Path) -> None:
    with scratch() as folder:
        sweep_scratch()
        assert folder.is_dir()
    left = scratch_root() / "left"
    left.mkdir()
    left.with_suffix(".lock").touch()
    sweep_scratch()
    assert not left.exists()


class BrokenRay:
    """Ray with 0 cores, whose workers die while they start."""

    def __init__(self) -> None:
        self.hired = 0
        self.exceptions = SimpleNamespace(RayTaskError=KilledError, RayError=OSError)

    def remote(self, **told: Any) -> Any:
        return lambda kind: SimpleNamespace(remote=self.hire)

    def hire(self, make: Any) -> Any:
        self.hired += 1
        return SimpleNamespace(begin=SimpleNamespace(remote=object))

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 0.0}

    def wait(self, answers: list[Any], timeout: float) -> tuple[list[Any], list[Any]]:
        return answers[:1], answers[1:]

    def get(self, answer: Any) -> None:
        raise OSError

    def kill(self, worker: Any) -> None:
        pass


def test_workers_that_never_start_end_the_run() -> None:
    ray = BrokenRay()
    what = Input("key", "a.mp4", "a.mp4", 1, "", "a.mp4")
    with pytest.raises(MienError, match="died while they started"):
        list(_Crew(ray, FakeReader, 0, lambda what: None).read([what]))  # type: ignore[arg-type, return-value]
    assert ray.hired == 1 + MOST_DEATHS


def test_nobody_else_looks_into_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch_root().mkdir(mode=0o755)
    with scratch():
        assert scratch_root().stat().st_mode & 0o777 == 0o700
    monkeypatch.setattr(os, "getuid", lambda: -2)
    with pytest.raises(OutputError, match="belongs to somebody else"):
        sweep_scratch()
    monkeypatch.undo()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    scratch_root().symlink_to(tmp_path)
    with pytest.raises(OutputError, match="belongs to somebody else"):
        sweep_scratch()


def test_what_can_not_be(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no corpus there"):
        Corpus("nowhere").status()
    with pytest.raises(ConfigError, match="choose the engine ray"):
        Corpus("nowhere").analyze(fill(tmp_path / "inputs"), address="auto", workers=1)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("https://me:secret@host/a.mp4?token=1", "https://***@host/a.mp4?***"),
        ("sftp://me:secret@host/a.mp4", "sftp://me:***@host/a.mp4"),
        ("s3://bucket/what?@home#2.mp4", "s3://bucket/what?@home#2.mp4"),
    ],
)
def test_addresses_are_kept_without_secrets(address: str, told: str) -> None:
    assert shown(address) == told


@pytest.fixture
def http() -> Iterator[Any]:
    """The class of fsspec's file systems over HTTP, with none left from before, or for later."""
    kind = pytest.importorskip("fsspec").get_filesystem_class("http")
    kind.clear_instance_cache()
    yield kind
    kind.clear_instance_cache()


def test_errors_are_kept_without_secrets(tmp_path: Path, http: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Any, path: str, *_: Any) -> None:
        raise RuntimeError(f"403, message='Forbidden', url='{path}'")

    monkeypatch.setattr(http, "info", refuse, raising=False)
    monkeypatch.setattr(http, "get_file", refuse, raising=False)
    address = "https://me:secret@host/a.mp4?token=1"
    told = re.escape("url='https://***@host/a.mp4?***'") + "$"
    with pytest.raises(SourceError, match=told):
        find(address)
    with pytest.raises(SourceError, match=told):
        download(address, tmp_path)


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    (folder := tmp_path / "inputs").mkdir()
    try:
        Path(os.fsdecode(bytes(folder) + b"/caf\xe9.mp4")).write_bytes(b"12")
    except OSError:
        pytest.skip("this disk takes no such names")
    assert run(tmp_path / "corpus", folder)
    corpus = Corpus(tmp_path / "corpus")
    assert list(corpus.frame("summary")["source"]) == ["caf\N{REPLACEMENT CHARACTER}.mp4"]
    assert run(tmp_path / "corpus", folder)
    assert (corpus.status().inputs, corpus.status().done) == (1, 1)


@pytest.mark.parametrize("scheme", ["memory", "file"])
def test_addresses_as_folders(tmp_path: Path, scheme: str) -> None:
    fsspec = pytest.importorskip("fsspec")
    inputs = fill(tmp_path / "inputs")
    address = f"{scheme}://{tmp_path}/there"
    fsspec.filesystem(scheme).put(f"{inputs}/", f"{address}/", recursive=True)
    made = run(f"{address}/corpus", address)
    corpus = Corpus(f"{address}/corpus")
    assert list(corpus.frame("summary")["address"]) == [f"{address}/clip0.mp4", f"{address}/clip1.mp4"]
    assert (corpus.status().done, corpus.status().failed) == (2, 1)
    made._version.forget_failures()
    assert corpus.status().left == 1
    assert made.read(find(f"{address}/clip2.mp4")).failed == 1
    with pytest.raises(SourceError, match="cannot look there"):
        find(f"{address}/nothing.mp4")


def test_addresses_that_differ_in_their_query_are_two_inputs(
    http: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "info", lambda self, path: {"size": 3}, raising=False)
    first, second, again = (
        find(f"https://{user}host/get.mp4?id={number}&token=secret")[0]
        for user, number in (("", 1), ("", 2), ("me:secret@", 1))
    )
    assert first.address.startswith("https://host/get.mp4?***#")
    assert first.address != second.address
    assert again.address == first.address.replace("host", "***@host")
    version = Version(LocalFolder(Path("unused")), "v")
    monkeypatch.setattr(LocalFolder, "put", lambda self, name, file: None)
    asked = version.ask_for([first, second])
    assert len({each.key for each in asked}) == 2
    assert [each.name for each in asked] == ["get.mp4", second.address]


def test_any_name_in_a_store(tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    inputs = fill(tmp_path / "inputs", 2)
    address = f"memory://{tmp_path}/run[1]"
    fsspec.filesystem("memory").put_file(str(inputs / "clip0.mp4"), f"{address}/interview #3?.mp4")
    run(f"{address}/corpus", f"{address}/interview #3?.mp4")
    assert list(Corpus(f"{address}/corpus").frame("summary")["source"]) == ["interview #3?.mp4"]
    assert download(f"{address}/interview #3?.mp4", tmp_path).name == "input.mp4"


def test_an_empty_file_whose_name_says_nothing_is_an_error(tmp_path: Path) -> None:
    address = f"memory://{tmp_path}/interview"
    pytest.importorskip("fsspec").filesystem("memory").pipe_file(address, b"")
    corpus = Corpus(tmp_path / "corpus")
    assert corpus.analyze(address, workers=1).failed == 1
    assert list(corpus.errors()["kind"]) == ["unreadable"]
    assert corpus.errors()["error"][0].startswith(address)


def test_a_full_disk_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsspec = pytest.importorskip("fsspec")
    address = f"memory://{tmp_path}/there"
    memory = fsspec.filesystem("memory")
    memory.put(f"{fill(tmp_path / 'inputs')}/", f"{address}/", recursive=True)

    def full(self: Any, *arguments: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(type(memory), "get_file", full)
    with pytest.raises(OutputError, match="No space left"):
        run(tmp_path / "corpus", address)
    assert Corpus(tmp_path / "corpus").status().left == 3


def test_a_store_that_takes_no_options(tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")

    class Strict(fsspec.get_filesystem_class("file")):  # type: ignore[misc]
        """As SFTP's: a listing takes nothing but these, and the login no options of fsspec's."""

        protocol = "strict"

        def __init__(self, **told: Any) -> None:
            assert "use_listings_cache" not in told
            super().__init__(**told)

        @classmethod
        def _strip_protocol(cls, path: str) -> str:
            return str(path).removeprefix("strict://")

        def ls(self, path: str, detail: bool = False) -> Any:
            return super().ls(path, detail)

    fsspec.register_implementation("strict", Strict, clobber=True)
    run(f"strict://{tmp_path}/corpus", fill(tmp_path / "inputs"))
    assert Corpus(f"strict://{tmp_path}/corpus").status().done == 2


@pytest.mark.main_path
def test_the_table_is_that_of_analyze(tmp_path: Path, portrait_path: Path) -> None:
    folder = tmp_path / "inputs"
    folder.mkdir()
    (folder / "a.png").write_bytes(portrait_path.read_bytes())
    (folder / "b.jpg").write_bytes(b"no picture")
    corpus = mien.Corpus(tmp_path / "corpus")
    status = corpus.analyze(folder, workers=1)
    assert (status.done, status.failed, status.faces) == (1, 1, 1)
    expected = mien.analyze(folder)
    pd.testing.assert_frame_equal(corpus.frame(), expected.frame, check_dtype=False)
    corpus.save(tmp_path / "table.parquet")
    pd.testing.assert_frame_equal(mien.read_table(tmp_path / "table.parquet"), expected.frame)
    (summary,) = corpus.frame("summary").to_dict("records")
    assert summary["rows"] == 1
    assert "b.jpg" in corpus.errors()["error"][0]
    assert corpus.retry(workers=1).failed == 1
