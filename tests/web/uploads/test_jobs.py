"""The table of uploads, with a reader that does what the test says."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from mien.config import Settings, load_settings
from mien.errors import SourceError
from mien.web.uploads.jobs import Uploads, remove_leftovers
from mien.web.uploads.routes import upload_routes
from mien.web.uploads.upload import TooLarge, TooMany, Upload, WrongKind, shown_name
from patience import LIMIT_S

WAIT_S = LIMIT_S


class FakeJob:
    """Reads a file when it is told to."""

    def __init__(self, order: Mapping[str, Any], *, folder: Path, **_: Any) -> None:
        self.order = order
        self.folder = folder
        self.began, self.may_end = Event(), Event()
        self.cancelled = False
        self.failure: Exception | None = None

    def run(self, tell: Callable[[dict[str, Any]], None] = lambda message: None) -> dict[str, Any]:
        self.began.set()
        tell({"stage": "copying", "progress": 0.25})
        assert self.may_end.wait(WAIT_S)
        if self.cancelled:
            raise SourceError("stopped")
        if self.failure:
            raise self.failure
        (self.folder / "table.csv").write_bytes(bytes(1000))
        return {"rows": 3, "anything": "else"}

    def cancel(self) -> None:
        self.cancelled = True
        self.may_end.set()


class Table(Uploads):
    """With its jobs at hand, and a clock that stands."""

    def __init__(self, **choices: Any) -> None:
        self.jobs: list[FakeJob] = []
        self.now_s = 0.0
        super().__init__(Settings(), make_job=self._make, clock=lambda: self.now_s, at_once=1, **choices)

    def _make(self, order: Mapping[str, Any], **rest: Any) -> Any:
        self.jobs.append(FakeJob(order, **rest))
        return self.jobs[-1]

    def send(self, name: str = "clip.mp4", owner: str = "me", data: bytes = b"data") -> Upload:
        with self.receiving(name, owner) as (upload, take):
            take(data)
        return upload

    def finish(self, upload: Upload, failure: Exception | None = None) -> None:
        made = next(job for job in self.jobs if job.folder == upload.folder)
        made.failure = failure
        made.may_end.set()
        until(lambda: not upload.open)


def until(true: Callable[[], bool]) -> None:
    """Wait for a thread that was told to go on; short naps, as a table has no event for each change."""
    end_s = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < end_s
        Event().wait(0.005)


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    table = Table(max_mb=1, most=3)
    yield table
    table.close()


def test_from_sending_to_the_result(table: Table) -> None:
    upload = table.send()
    assert table.jobs[0].began.wait(WAIT_S)
    until(lambda: upload.progress == 0.25)
    assert upload.as_dict() == {
        "id": upload.id,
        "name": "clip.mp4",
        "kind": "video",
        "network": None,
        "prior": None,
        "state": "running",
        "stage": "copying",
        "progress": 0.25,
        "error": None,
    }
    assert table.part(upload, "table.csv") is None
    table.finish(upload)
    assert upload.state == "done"
    assert upload.as_dict()["rows"] == 3
    assert "anything" not in upload.as_dict()
    assert table.part(upload, "missing.csv", "table.csv") == upload.folder / "table.csv"
    assert upload.bytes == 1004


def test_why_is_found_out_once(table: Table) -> None:
    upload = table.send("face.jpg")
    assert table.find_why(upload).done(), "it is not read yet"
    assert len(table.jobs) == 1
    table.finish(upload)
    asked = [table.find_why(upload) for _ in range(2)]
    until(lambda: len(table.jobs) == 2)
    assert not asked[0].done()
    (upload.folder / "why.json").write_bytes(bytes(500))
    table.jobs[1].may_end.set()
    for each in [*asked, table.find_why(upload)]:
        each.result(WAIT_S)
    assert [job.order["task"] for job in table.jobs] == ["analyse", "show why"]
    assert upload.bytes == 1504


def test_asking_why_of_what_goes_away_is_an_error(table: Table) -> None:
    upload = table.send("face.jpg")
    table.finish(upload)
    asked = table.find_why(upload)
    assert table.jobs[1].began.wait(WAIT_S)
    table.remove(upload)
    with pytest.raises(SourceError, match="stopped"):
        asked.result(WAIT_S)
    assert table.find_why(upload).done()
    assert len(table.jobs) == 2


def test_what_could_not_be_found_out_is_tried_again(table: Table) -> None:
    upload = table.send("face.jpg")
    table.finish(upload)
    asked = table.find_why(upload)
    table.jobs[1].failure = SourceError("too much memory")
    table.jobs[1].may_end.set()
    with pytest.raises(SourceError, match="too much memory"):
        asked.result(WAIT_S)
    again = table.find_why(upload)
    table.jobs[2].may_end.set()
    assert again.result(WAIT_S) is None


def test_many_who_ask_why_hold_nobody_else_up(table: Table) -> None:
    """Each thread that they held would be one less for everybody's requests; there are forty."""
    upload = table.send("face.jpg")
    table.finish(upload)
    app = FastAPI()
    app.include_router(upload_routes(table))

    async def ask() -> list[int]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://mien") as client:
            asked = [asyncio.create_task(client.get(f"files/{upload.id}/why.json")) for _ in range(50)]
            other = await asyncio.wait_for(client.get(f"files/{upload.id}"), WAIT_S)
            assert not any(each.done() for each in asked)
            asked[0].cancel()  # who goes away takes nothing from the others
            (upload.folder / "why.json").write_text("{}")
            table.jobs[1].may_end.set()
            return [other.status_code, *{(await each).status_code for each in asked[1:]}]

    assert asyncio.run(ask()) == [200, 200]


def test_a_video_is_not_explained(table: Table) -> None:
    upload = table.send("clip.mp4")
    table.finish(upload)
    assert table.find_why(upload).done()
    assert len(table.jobs) == 1


def test_one_waits_for_the_other(table: Table) -> None:
    first, second = table.send(), table.send("face.jpg")
    assert table.jobs[0].began.wait(WAIT_S)
    assert (second.state, second.kind) == ("waiting", "photograph")
    assert not table.jobs[1].began.is_set()
    table.finish(first)
    assert table.jobs[1].began.wait(WAIT_S)
    table.finish(second)


def test_no_more_than_there_is_room_for(table: Table) -> None:
    uploads = [table.send() for _ in range(3)]
    with pytest.raises(TooMany, match=r"clip\.mp4: 3 files are already being read; send it again"):
        table.send()
    table.finish(uploads[0])
    table.send()


def test_a_file_that_is_too_large_leaves_nothing(table: Table) -> None:
    with pytest.raises(TooLarge, match=r"clip\.mp4: expected at most 1 MB"):
        table.send(data=bytes(1_000_001))
    assert table.of("me") == []
    assert table.send(data=bytes(1_000_000)).state == "waiting"
    assert len(list(next(iter(table.jobs)).folder.parent.iterdir())) == 1


def test_a_sender_that_breaks_off_leaves_nothing(table: Table) -> None:
    def broken() -> None:
        with table.receiving("clip.mp4", "me") as (_, take):
            take(b"some")
            raise ConnectionError

    with pytest.raises(ConnectionError):
        broken()
    assert table.of("me") == []
    assert table.jobs == []


@pytest.mark.parametrize("name", ["notes.txt", "script.py", "noname", "", ".mp4", "page.svg", "clip.mp4.exe"])
def test_only_known_suffixes(name: str, table: Table) -> None:
    with pytest.raises(WrongKind, match="expected a photograph"):
        table.send(name)


@pytest.mark.parametrize(
    "name", ["../../etc/cron.d/x.jpg", "..\\..\\x.jpg", "/abs/x.jpg", "C:\\x.jpg", "a\nb\0/x.jpg", "./x.JPG"]
)
def test_no_name_becomes_a_path(name: str, table: Table) -> None:
    upload = table.send(name)
    assert upload.name.lower() == "x.jpg"
    assert upload.file.name == "upload.jpg"
    assert upload.folder.parent.parent.name != ".."
    assert {path.name for path in upload.folder.iterdir()} == {"upload.jpg"}


def test_long_names_keep_their_suffix() -> None:
    assert shown_name("x" * 500 + ".jpeg") == "x" * 115 + ".jpeg"
    assert shown_name("Ünïcode ☺.MP4") == "Ünïcode ☺.MP4"
    assert len(shown_name("x." + "y" * 500)) == 120


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_folders_are_private(table: Table) -> None:
    upload = table.send()
    for folder in (upload.folder, upload.folder.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_ids_and_folders_cannot_be_guessed(table: Table) -> None:
    uploads = [table.send(), table.send()]
    assert len({upload.id for upload in uploads} | {upload.folder.name for upload in uploads}) == 4
    assert all(len(upload.id) == 22 for upload in uploads)
    assert not any(upload.id in str(upload.folder) for upload in uploads)


def test_a_failure_is_one_line_and_leaves_no_file(table: Table) -> None:
    upload = table.send()
    table.finish(upload, SourceError("clip.mp4: is damaged"))
    assert (upload.state, upload.error) == ("failed", "clip.mp4: is damaged")
    assert not upload.folder.exists()
    assert table.find(upload.id) is upload


def test_a_mistake_of_ours_ends_one_upload_only(table: Table, caplog: pytest.LogCaptureFixture) -> None:
    upload, other = table.send(), table.send()
    table.finish(upload, ZeroDivisionError("division by zero"))
    assert upload.error == "clip.mp4: cannot be read because of a mistake in mien; see its log"
    assert "ZeroDivisionError" in caplog.text
    table.finish(other)
    assert other.state == "done"


def test_removing_one_that_is_read_ends_it(table: Table) -> None:
    upload = table.send()
    assert table.jobs[0].began.wait(WAIT_S)
    table.remove(upload)
    assert table.jobs[0].cancelled
    assert table.find(upload.id) is None
    until(lambda: not upload.folder.exists())


def test_everybody_sees_their_own(table: Table) -> None:
    mine, yours = table.send(owner="me"), table.send(owner="you")
    assert table.of("me") == [mine]
    table.forget("me")
    assert table.of("me") == []
    assert table.of("you") == [yours]
    until(lambda: not mine.folder.exists())


def test_what_nobody_asks_for_is_deleted_after_an_hour(table: Table) -> None:
    old, used, waiting = table.send(), table.send(), table.send()
    table.finish(old)
    table.finish(used)
    table.now_s = 3599.0
    table.sweep()
    assert len(table.of("nobody")) == 0
    assert table.find(used.id) is used
    table.now_s = 3600.0
    table.sweep()
    assert table.find(old.id) is None
    assert not old.folder.exists()
    assert used.folder.exists()
    assert table.find(waiting.id) is waiting  # is still to be read, however long that takes


def test_the_oldest_go_where_all_take_too_much_room(table: Table) -> None:
    uploads = []
    for number in range(22):
        table.now_s = float(number)
        uploads.append(table.send(data=bytes(990_000)))
        table.finish(uploads[-1])
    table.sweep()
    kept = [upload for upload in uploads if upload.folder.exists()]
    assert kept == uploads[-len(kept) :]
    assert 18 <= len(kept) <= 21


def test_a_link_in_the_folder_is_not_given_out(table: Table) -> None:
    if sys.platform == "win32":
        pytest.skip("links need rights on Windows")
    upload = table.send()
    (upload.folder / "summary.json").symlink_to("/etc/passwd")
    table.finish(upload)
    assert table.part(upload, "summary.json") is None


def test_closing_ends_and_deletes_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    table = Table(most=3)
    uploads = [table.send(), table.send()]
    assert table.jobs[0].began.wait(WAIT_S)
    start_s = time.monotonic()
    table.close()
    table.close()
    assert time.monotonic() - start_s < WAIT_S / 2
    assert list(tmp_path.iterdir()) == []
    assert not table.jobs[1].began.is_set()
    assert not any(upload.folder.exists() for upload in uploads)
    with pytest.raises(TooMany):
        table.send()


def test_leftovers_of_a_killed_server_are_deleted(tmp_path: Path) -> None:
    old, new, other = tmp_path / "mien-files-old", tmp_path / "mien-files-new", tmp_path / "other"
    link = tmp_path / "mien-files-link"
    for folder in (old, new, other):
        folder.mkdir()
        (folder / "upload.jpg").write_bytes(b"x")
    if sys.platform != "win32":
        link.symlink_to(other)
    for folder in (old, other):
        os.utime(folder, (0, 0))
    remove_leftovers(tmp_path)
    assert not old.exists()
    assert (new / "upload.jpg").exists()
    assert (other / "upload.jpg").exists()


def test_settings_reach_the_reader(tmp_path: Path) -> None:
    table = Table(max_mb=300, seconds=7.0)
    try:
        assert table._limits.seconds == 7.0
        assert table._limits.file_mb == 1200
        assert load_settings().network == table._settings.network
    finally:
        table.close()
