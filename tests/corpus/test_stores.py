"""Corpora over real servers on loopback, HTTP, SFTP and Google's: the tables are those of the folder.

Those of S3 stand in test_ray.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import needs
from corpus.fake import FakeReader, fill, run, tree
from http_video import serving
from mien.corpus import storage
from mien.corpus.corpus import Corpus
from mien.corpus.reader import Outcome
from mien.corpus.storage import download, find, look_again
from mien.corpus.version import Input
from mien.errors import ConfigError, OutputError, SourceError

needs.package("fsspec")
needs.package("aiohttp")

Answers = dict[tuple[str, str], int]
"""By method and path, what a server answers instead of a file."""


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """Three that can be read and one that can't."""
    return fill(tmp_path / "inputs", 4)


@pytest.fixture
def answers() -> Answers:
    return {}


@pytest.fixture
def web(tmp_path: Path, answers: Answers) -> Iterator[str]:
    """The address of a plain server of the files in "inputs", which answers what a test wants."""

    class Moody(SimpleHTTPRequestHandler):
        def send_head(self) -> Any:
            if (status := answers.get((self.command, self.path))) is None:
                return super().send_head()
            self.send_error(status)
            return None

        def log_message(self, *_: object) -> None:
            pass

    with serving(partial(Moody, directory=str(tmp_path / "inputs"))) as address:
        yield address


@pytest.fixture
def sftp(tmp_path: Path) -> Iterator[Any]:
    """A server of SFTP whose root is the test's folder."""
    pytest.importorskip("paramiko", reason="paramiko is not installed")
    from fsspec.implementations.sftp import SFTPFileSystem

    from sftp_server import sftp_server

    with sftp_server(tmp_path) as server:
        yield server
    SFTPFileSystem.clear_instance_cache()


def gives(corpus: Path | str, wheres: Sequence[str | Path]) -> dict[str, Any]:
    """Read inputs into a corpus, and return all that it says of them but where they lie."""
    run(corpus, *wheres)
    made = Corpus(corpus)
    table = made.frame().sort_values(["source", "frame"], ignore_index=True)
    summary = made.frame("summary").drop(columns="address").sort_values("source", ignore_index=True)
    errors = [
        (each["source"], each["kind"], each["error"].replace(each["address"], "ITS-ADDRESS"))
        for each in made.errors().to_dict("records")
    ]
    return {"table": table, "summary": summary, "errors": errors}


def assert_alike(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert found["errors"] == expected["errors"] == [
        ("clip3.mp4", "unreadable", "cannot read ITS-ADDRESS: it is bad")
    ]  # fmt: skip
    assert len(expected["table"]) == 3 + 4 + 5
    pd.testing.assert_frame_equal(found["table"], expected["table"])
    pd.testing.assert_frame_equal(found["summary"], expected["summary"])


def test_over_http_the_tables_are_those_of_the_folder(tmp_path: Path, inputs: Path, web: str) -> None:
    found = gives(tmp_path / "web", [f"{web}/{each.name}" for each in sorted(inputs.iterdir())])
    assert_alike(found, gives(tmp_path / "local", [inputs]))


def test_over_sftp_the_tables_are_those_of_the_folder(tmp_path: Path, inputs: Path, sftp: Any) -> None:
    there = f"{sftp.address}/inputs"
    assert_alike(gives(f"{sftp.address}/corpus", [there]), gives(tmp_path / "local", [inputs]))
    run(tmp_path / "fetched", there)
    assert tree(tmp_path / "corpus") == tree(tmp_path / "fetched")
    assert "cret" not in "".join(
        path.read_text(errors="replace") for path in tmp_path.rglob("corpus/*/*.json")
    )
    made = run(f"{sftp.address}/corpus", there)
    made._version.forget_failures()
    assert Corpus(f"{sftp.address}/corpus").status().left == 1


@pytest.mark.exhaustive
def test_in_googles_store_the_tables_are_those_of_the_folder(
    tmp_path: Path, inputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("gcp_storage_emulator", reason="gcp-storage-emulator is not installed")
    monkeypatch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")  # which asks a service beside the store
    gcsfs = pytest.importorskip("gcsfs", reason="gcsfs is not installed")
    from gcp_storage_emulator.server import create_server

    with create_server("127.0.0.1", 0, in_memory=True, default_bucket="bucket") as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{server._api._httpd.server_port}")
        gcsfs.GCSFileSystem.clear_instance_cache()
        system = gcsfs.GCSFileSystem(token="anon")
        for each in inputs.iterdir():
            system.put_file(str(each), f"bucket/interviews/{each.name}")
        assert_alike(
            gives("gs://bucket/corpus", ["gs://bucket/interviews"]), gives(tmp_path / "local", [inputs])
        )
        with pytest.raises(SourceError, match=r"gs://bucket/nothing.mp4: cannot look there: .*\S$"):
            find("gs://bucket/nothing.mp4")
        gcsfs.GCSFileSystem.clear_instance_cache()


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_what_the_server_answers_is_said(
    tmp_path: Path, inputs: Path, web: str, answers: Answers, status: int
) -> None:
    address = f"{web}/clip0.mp4"
    answers["HEAD", "/clip0.mp4"] = answers["GET", "/clip0.mp4"] = status
    told = f"the server answers {status} {HTTPStatus(status).phrase}"
    with pytest.raises(SourceError) as found:
        find(address)
    assert str(found.value) == f"{address}: cannot look there: {told}"
    with pytest.raises(SourceError) as had:
        download(address, tmp_path)
    assert str(had.value) == f"cannot download {address}: {told}"


def test_a_file_that_is_refused_is_one_row_and_the_others_are_read(
    tmp_path: Path, inputs: Path, web: str, answers: Answers
) -> None:
    answers["GET", "/clip1.mp4"] = 403  # asked what is there, the server says it all the same
    made = run(tmp_path / "corpus", *(f"{web}/clip{number}.mp4" for number in range(3)))
    corpus = Corpus(tmp_path / "corpus")
    assert (corpus.status().done, corpus.status().failed) == (2, 1)
    (row,) = corpus.errors().to_dict("records")
    assert (row["kind"], row["address"]) == ("unreachable", f"{web}/clip1.mp4")
    assert row["error"] == f"cannot download {web}/clip1.mp4: the server answers 403 Forbidden"
    answers.clear()
    made._version.forget_failures()
    assert made.read(None).failed == 0


def test_a_server_that_hangs_up_in_the_midst_of_a_film_gives_no_half_film(tmp_path: Path) -> None:
    class Rude(SimpleHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()

        def do_GET(self) -> None:
            self.do_HEAD()
            self.wfile.write(b"\x01" * 40)

        def log_message(self, *_: object) -> None:
            pass

    with serving(Rude) as web:
        run(tmp_path / "corpus", f"{web}/film.mp4")
    (row,) = Corpus(tmp_path / "corpus").errors().to_dict("records")
    assert row["kind"] == "unreachable"
    assert row["error"].startswith(f"cannot download {web}/film.mp4: ClientPayloadError: ")


def test_a_file_that_was_changed_on_the_server_is_read_again(tmp_path: Path, inputs: Path, web: str) -> None:
    """A plain server tells of a change by `Last-Modified` alone, and the size is the same."""
    address = f"{web}/clip0.mp4"
    run(tmp_path / "corpus", address)
    before = look_again(address)
    (inputs / "clip0.mp4").write_bytes(b"new")
    assert look_again(address) != before
    run(tmp_path / "corpus", address)
    assert bytes(Corpus(tmp_path / "corpus").frame()["track"]) == b"new"


def test_a_film_that_comes_for_hours_is_not_given_up() -> None:
    system, _ = storage._reach("http://127.0.0.1:1/film.mp4")
    patience = system.client_kwargs["timeout"]
    assert (patience.total, patience.sock_read) == (None, storage._SILENT_S)


def one_line(error: Exception) -> str:
    text = str(error)
    assert text == text.strip()
    assert "\n" not in text
    return text


def test_a_web_server_that_is_away(tmp_path: Path, inputs: Path) -> None:
    with serving(SimpleHTTPRequestHandler) as address:
        pass
    with pytest.raises(SourceError) as found:
        find(f"{address}/clip0.mp4")
    assert one_line(found.value).startswith(f"{address}/clip0.mp4: cannot look there: Connect call failed")


def test_a_folder_over_http(inputs: Path, web: str) -> None:
    for address in (web, f"{web}/"):
        with pytest.raises(SourceError, match="a folder can't be listed over HTTP; name each file"):
            find(address)


def test_a_corpus_is_not_written_over_http(inputs: Path, web: str) -> None:
    with pytest.raises(OutputError) as refused:
        run(f"{web}/corpus", inputs)
    assert one_line(refused.value).startswith(f"{web}/corpus: a corpus can't be written over HTTP")


def test_a_login_over_sftp_that_is_refused(tmp_path: Path, inputs: Path, sftp: Any) -> None:
    wrong = f"{sftp.address.replace('cret', 'ecret')}/inputs"
    with pytest.raises(SourceError) as refused:
        find(f"{wrong}/clip0.mp4")
    assert "cannot connect there: AuthenticationException: Authentication failed" in one_line(refused.value)
    assert "ecret" not in str(refused.value)
    with pytest.raises(SourceError, match="Authentication failed"):
        Corpus(wrong)


def test_over_sftp_what_is_missing_locked_or_away(tmp_path: Path, inputs: Path, sftp: Any) -> None:
    (inputs / "locked").mkdir()
    for what, told in (
        ("no.mp4", "cannot look there: there is no such file or folder"),
        ("", "cannot look there: Permission denied"),
    ):
        with pytest.raises(SourceError, match=told) as refused:
            find(f"{sftp.address}/inputs/{what}")
        assert "***" in one_line(refused.value)
    (inputs / "locked").rmdir()
    sftp.stop()
    with pytest.raises(SourceError):
        find(f"{sftp.address}/inputs")
    with pytest.raises(SourceError) as away:
        find(f"{sftp.address}/inputs")
    assert "cannot connect there: Unable to connect to port" in one_line(away.value)


def test_an_sftp_server_that_comes_back_is_asked_again(
    tmp_path: Path, inputs: Path, sftp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server hangs up while an input is read, as many do with who is silent for so long."""
    analyse: Callable[..., Any] = FakeReader.analyse
    hung_up = []

    def hang_up_first(self: FakeReader, what: Input, path: Path, folder: Path) -> Any:
        if not hung_up:
            hung_up.append(what)
            sftp.stop()
            sftp.start()
        return analyse(self, what, path, folder)

    monkeypatch.setattr(FakeReader, "analyse", hang_up_first)
    run(f"{sftp.address}/corpus", f"{sftp.address}/inputs")
    assert hung_up
    status = Corpus(f"{sftp.address}/corpus").status()
    assert (status.done, status.errors) == (3, {"unreadable": 1})


def test_an_sftp_server_that_goes_away_leaves_the_rest_to_a_retry(
    tmp_path: Path, inputs: Path, sftp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: Callable[..., Outcome] = FakeReader.read

    def stop_after_one(self: FakeReader, what: Input) -> Outcome:
        outcome = read(self, what)
        sftp.stop()
        return outcome

    with monkeypatch.context() as patch:
        patch.setattr(FakeReader, "read", stop_after_one)
        made = run(tmp_path / "corpus", f"{sftp.address}/inputs")
    rows = Corpus(tmp_path / "corpus").errors().to_dict("records")
    assert [each["kind"] for each in rows].count("unreachable") == 3
    assert all("Unable to connect" in each["error"] or "dropped" in each["error"] for each in rows[1:])
    sftp.start()
    made._version.forget_failures()
    # Its password isn't kept: the address has to be named again.
    assert made.read(find(f"{sftp.address}/inputs")).errors == {"unreadable": 1}


def test_links_over_sftp_are_their_files(tmp_path: Path, inputs: Path, sftp: Any) -> None:
    (inputs / "linked.mp4").symlink_to(inputs / "clip1.mp4")
    (inputs / "nowhere.mp4").symlink_to(inputs / "gone.mp4")
    (inputs / "again").symlink_to(inputs)
    (inputs / ".locked").mkdir()
    run(tmp_path / "corpus", f"{sftp.address}/inputs")
    corpus = Corpus(tmp_path / "corpus")
    assert list(corpus.frame("summary")["source"]) == ["clip0.mp4", "clip1.mp4", "clip2.mp4", "linked.mp4"]
    assert dict(corpus.errors()[["source", "kind"]].itertuples(index=False)) == {
        "clip3.mp4": "unreadable",
        "nowhere.mp4": "unreachable",
    }


def test_any_name_over_sftp(tmp_path: Path, inputs: Path, sftp: Any) -> None:
    (inputs / "interview #3?.mp4").write_bytes(b"12")
    address = f"{sftp.address}/inputs/interview #3?.mp4"
    run(f"{sftp.address}/run[1]", address)
    assert list(Corpus(f"{sftp.address}/run[1]").frame("summary")["source"]) == ["interview #3?.mp4"]


@pytest.mark.parametrize(("scheme", "package"), [("sftp", "paramiko"), ("gs", "gcsfs")])
def test_what_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch, scheme: str, package: str) -> None:
    import fsspec

    def missing(*_: object, **__: object) -> None:
        raise ImportError("not here")

    monkeypatch.setattr(fsspec.core, "url_to_fs", missing)
    monkeypatch.setattr(fsspec, "filesystem", missing)
    with pytest.raises(ConfigError, match=rf"^{scheme}://host/folder needs {package}: .*install {package}$"):
        find(f"{scheme}://host/folder")
