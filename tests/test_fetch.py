from __future__ import annotations

import errno
import hashlib
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mien import fetch as fetching
from mien.errors import ModelError, OutputError
from mien.fetch import OPTIONAL_MODELS, OptionalModel, cache_folder, cached, fetch
from patience import LIMIT_S

CONTENT = bytes(range(256)) * 1000
Answer = Callable[[BaseHTTPRequestHandler], None]


def whole(handler: BaseHTTPRequestHandler, content: bytes = CONTENT, length: int | None = None) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content) if length is None else length))
    handler.end_headers()
    handler.wfile.write(content)


ANSWERS: dict[str, Answer] = {
    "/good": whole,
    "/other": lambda handler: whole(handler, CONTENT[::-1]),
    "/longer": lambda handler: whole(handler, CONTENT + b"more"),
    "/cut": lambda handler: whole(handler, CONTENT[:100_000], length=len(CONTENT)),
    "/pointer": lambda handler: whole(handler, b"version https://git-lfs.github.com/spec/v1"),
    "/broken": lambda handler: handler.send_error(503),
    "/gone": lambda handler: handler.send_error(404),
    "/nonsense": lambda handler: handler.wfile.write(b"what?\r\n\r\n") and None,
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        ANSWERS[self.path](self)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join(LIMIT_S)
        assert not thread.is_alive()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of one's own, a model of one's own, and no proxy between."""
    model = OptionalModel(
        name="tiny",
        file="tiny.onnx",
        url="http://127.0.0.1:1/official",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        size=len(CONTENT),
        licence="MIT",
        purpose="tests",
    )
    monkeypatch.setattr(fetching, "OPTIONAL_MODELS", {"tiny": model})
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path / "cache"


def test_it_is_fetched_once_whole_and_then_found(server: str, folder: Path) -> None:
    steps: list[tuple[int, int]] = []
    assert cached("tiny") is None
    path = fetch(
        "tiny", url=server + "/good", progress=lambda received, total: steps.append((received, total))
    )
    assert path == folder / "tiny.onnx" == cached("tiny")
    assert path.read_bytes() == CONTENT
    assert [p.name for p in folder.iterdir()] == ["tiny.onnx"]
    assert steps[-1] == (len(CONTENT), len(CONTENT))
    assert steps == sorted(steps)
    assert fetch("tiny", url=server + "/gone") == path


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("/gone", "answers 404 Not Found.*bring the file to .*tiny.onnx"),
        ("/broken", "answers 503"),
        ("/other", "received a different file, which was not kept: expected 256000 bytes with SHA-256"),
        ("/longer", "received a different file"),
        ("/cut", "ended after 100000 of 256000 bytes; try again"),
        ("/pointer", "ended after 42 of 256000 bytes"),
        ("/nonsense", "cannot reach"),
    ],
)
def test_what_is_not_the_file_is_not_kept(server: str, folder: Path, answer: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        fetch("tiny", url=server + answer)
    assert cached("tiny") is None
    assert not any(folder.iterdir())


@pytest.mark.parametrize("url", [None, "https://", "nowhere", "http://127.0.0.1:1/x"])
def test_an_address_out_of_reach_is_named(url: str | None) -> None:
    with pytest.raises(ModelError, match=f"cannot reach {url or 'http://127.0.0.1:1/official'}"):
        fetch("tiny", url=url)


def test_a_silent_server_is_not_waited_for_forever(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(fetching, "TIMEOUT_S", 0.1)
    for path, first in (("/silent", b""), ("/stalled", CONTENT[:1000])):
        monkeypatch.setitem(
            ANSWERS,
            path,
            lambda handler, first=first: (
                whole(handler, first, len(CONTENT)) if first else None,
                release.wait(LIMIT_S),
            ),  # type: ignore[misc]
        )
        with pytest.raises(ModelError, match="timed out"):
            fetch("tiny", url=server + path)
    release.set()


def test_a_damaged_copy_is_fetched_again(server: str, folder: Path) -> None:
    folder.mkdir()
    (folder / "tiny.onnx").write_bytes(CONTENT[:-1])
    assert cached("tiny") is None
    assert fetch("tiny", url=server + "/good").read_bytes() == CONTENT


def test_a_file_brought_by_hand_counts(folder: Path) -> None:
    folder.mkdir()
    (folder / "tiny.onnx").write_bytes(CONTENT)
    assert cached("tiny") == fetch("tiny") == folder / "tiny.onnx"


def test_a_folder_that_cannot_be_made_is_named(server: str, folder: Path) -> None:
    folder.write_text("a file where the folder should be")
    with pytest.raises(OutputError, match=r"cannot write .*tiny\.onnx"):
        fetch("tiny", url=server + "/good")


def test_a_full_disk_is_the_disks_fault(server: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OutputError, match="No space left on device"):
        fetch("tiny", url=server + "/good", progress=fail)
    assert not any(folder.iterdir())


@pytest.mark.parametrize("function", [fetch, cached])
def test_an_unknown_name_is_refused(function: Callable[[str], object]) -> None:
    with pytest.raises(ModelError, match=r"\(tiny\), received 'huge'"):
        function("huge")


@pytest.mark.parametrize(
    ("platform", "variable", "expected"),
    [
        ("linux", "XDG_CACHE_HOME", "{given}/mien"),
        ("linux", None, "{home}/.cache/mien"),
        ("darwin", None, "{home}/Library/Caches/mien"),
        ("win32", "LOCALAPPDATA", "{given}/mien/Cache"),
        ("win32", None, "{home}/AppData/Local/mien/Cache"),
    ],
)
def test_the_cache_is_where_the_system_keeps_such_files(
    platform: str, variable: str | None, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MIEN_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    if variable:
        monkeypatch.setenv(variable, str(tmp_path / "given"))
    expected = expected.format(given=tmp_path / "given", home=tmp_path / "home")
    assert cache_folder() == Path(expected)


@pytest.mark.parametrize("model", OPTIONAL_MODELS.values(), ids=OPTIONAL_MODELS)
def test_every_real_model_is_pinned(model: OptionalModel) -> None:
    assert OPTIONAL_MODELS[model.name] is model
    assert model.url.startswith("https://")
    assert model.url.endswith(model.file)
    assert len(bytes.fromhex(model.sha256)) == 32
    assert model.size > 0
    assert model.licence
    assert model.purpose
