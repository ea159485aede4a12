"""The files that people have dropped on the page: taken in, read one by one, kept for a while, deleted.

Nothing that a client says becomes a path: folders have random names, files have ours, and of a file's name
only its suffix is looked at, against a list.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from threading import Event, RLock, Thread
from typing import Any, Final

from mien.config import Settings
from mien.errors import MienError
from mien.prior import Named
from mien.processors import usable_cores
from mien.source import Kind
from mien.source.inputs import PHOTOGRAPHS, VIDEOS
from mien.web.uploads import preview
from mien.web.uploads.networks import reading_with
from mien.web.uploads.sandbox import Job, Limits
from mien.web.uploads.upload import TooLarge, TooMany, Upload, WrongKind, shown_name

KEPT_S: Final = 3600.0
"""What nobody has asked for in so long is deleted."""

_PREFIX: Final = "mien-files-"
_SWEEP_EVERY_S: Final = 30.0
_KEPT_UPLOADS: Final = 20
_MILLION: Final = 1_000_000
_RESULTS_AS_LARGE: Final = 4

_log = logging.getLogger(__name__)


class Uploads:
    """The table of uploads.

    Args:
        settings: how files are read.
        max_mb: largest file, in millions of bytes.
        most: files that may be taken in, wait and be read at the same time.
        seconds: longest time to take a file in, and again to read it.
        at_once: children at a time; the others wait. None takes half the cores.
        limits: what each child may use; by default it follows from the others.
        make_job: makes what reads a file; a test brings its own.
        clock: gives seconds that never run backwards.
        kept_s: what nobody has asked for in so long is deleted.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        max_mb: int = 200,
        most: int = 10,
        seconds: float = 600.0,
        at_once: int | None = None,
        limits: Limits | None = None,
        make_job: Callable[..., Job] = Job,
        clock: Callable[[], float] = time.monotonic,
        kept_s: float = KEPT_S,
    ) -> None:
        self.max_mb, self.most, self.seconds = max_mb, most, seconds
        self.network, self.prior = settings.network, settings.prior
        self._settings = settings
        self._limits = limits or Limits(seconds=seconds, file_mb=max(256, _RESULTS_AS_LARGE * max_mb))
        self._make_job = make_job
        self._clock = clock
        self._kept_s = kept_s
        self._lock = RLock()
        self._uploads: dict[str, Upload] = {}
        remove_leftovers(Path(tempfile.gettempdir()))
        self._folder = tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True)
        self._pool = ThreadPoolExecutor(at_once or max(1, usable_cores() // 2), "mien-files")
        self._closing = Event()
        self._sweeper = Thread(target=self._sweep_often, name="mien-files-sweeper", daemon=True)
        self._sweeper.start()

    @contextmanager
    def receiving(
        self, name: str, owner: str, network: str | None = None, prior: Named | None = None
    ) -> Iterator[tuple[Upload, Callable[[bytes], None]]]:
        """Take a file in, piece by piece; it is queued when the block ends well, else nothing is left of it.

        Args:
            name: what the client calls it.
            owner: whose it is.
            network: which reads it; None for the server's own.
            prior: how common each expression is expected to be; None for the server's own.

        Yields:
            The upload, and what takes the next piece of it. That raises TooLarge.

        Raises:
            WrongKind: its suffix is not on the list.
            TooMany: there is no room now.
            OSError: the disk is full.
        """
        upload = self._begin(name, owner)
        upload.network, upload.prior = network, prior
        try:
            with upload.file.open("xb") as file:

                def take(piece: bytes) -> None:
                    upload.bytes += len(piece)
                    self.check_size(upload, upload.bytes)
                    file.write(piece)

                yield upload, take
        except BaseException:
            self.remove(upload)
            raise
        self._queue(upload)

    def check_size(self, upload: Upload, size: int) -> None:
        """Check the bytes that a file has, or is said to have.

        Raises:
            TooLarge: they are more than an upload may have.
        """
        if size > self.max_mb * _MILLION:
            raise TooLarge(
                f"{upload.name}: expected at most {self.max_mb} MB, received more; send a shorter or smaller"
                " one, or read it with mien analyze"
            )

    def find(self, key: str) -> Upload | None:
        """Return the upload with an id, if there is one; it counts as used."""
        with self._lock:
            upload = self._uploads.get(key)
            if upload is not None:
                upload.used_s = self._clock()
            return upload

    def of(self, owner: str) -> list[Upload]:
        """Return somebody's uploads, the oldest first; asking for them counts as using them."""
        with self._lock:
            found = [upload for upload in self._uploads.values() if upload.owner == owner]
            for upload in found:
                upload.used_s = self._clock()
            return found

    def part(self, upload: Upload, *names: str) -> Path | None:
        """Return the first of some files of an upload's folder that is there, and is a plain file."""
        for name in names:
            path = upload.folder / name
            # The child made it: a link could lead anywhere.
            if upload.state == "done" and path.exists() and stat.S_ISREG(path.lstat().st_mode):
                return path
        return None

    def find_why(self, upload: Upload) -> Future[None]:
        """Find out why the faces of a photograph were read as they were; begun when first asked for.

        It waits for its turn among the files that are read, and takes a second or more.

        Returns:
            When it is done, `part` gives `preview.WHY` and, where there is a face, `preview.WHY_PICTURE`. It
            ends with SourceError where that can't be found out within the limits, and is cancelled with the
            table. Of what is no photograph, or not read yet, it is done at once, and there is nothing.
        """
        with self._lock:
            if upload.why is not None and not _has_failed(upload.why):
                return upload.why
            if upload.state != "done" or upload.id not in self._uploads or self._closing.is_set():
                return _nothing()
            if upload.kind != "photograph":
                return _nothing()
            upload.why = self._pool.submit(self._show_why, upload, self._prepare(upload, "show why"))
            return upload.why

    def read_for_record(
        self, upload: Upload, *, subject: str, signals: tuple[str, ...], at: str, tracks: list[int]
    ) -> Future[dict[str, Any]]:
        """Read an upload once more, for a subject's record; it waits for its turn among the files.

        Args:
            upload: one that is done.
            subject: the code.
            signals: what their consent covers.
            at: when it was recorded, ISO 8601 with a zone.
            tracks: which faces are the subject's; empty for the only one, or clearly the largest.

        Returns:
            When it is done, `preview.RECORD` lies in the upload's folder; it gives `frames` and
            `frames_with_subject`. It ends with SourceError where that can't be done within the limits, or
            nobody can tell which face is meant, and is cancelled with the table.

        Raises:
            TooMany: it is not read yet, or being read for a record already, or nothing can be begun now.
        """
        with self._lock:
            busy = upload.record is not None and not upload.record.done()
            if busy or upload.state != "done" or upload.id not in self._uploads or self._closing.is_set():
                raise TooMany(f"{upload.name} is being read; try again when that is done")
            job = self._prepare(
                upload, "record", subject=subject, signals=list(signals), at=at, tracks=list(tracks)
            )
            upload.record = self._pool.submit(self._read_for_record, upload, job)
            return upload.record

    def summarize(self, upload: Upload, length: str, *, blur_others: bool) -> Future[dict[str, Any]]:
        """Choose a video's moments, in place of those chosen before; it waits for its turn among the files.

        Args:
            upload: a video that is done.
            length: as `mien.summarize` takes it.
            blur_others: whether all faces but the main one are blurred.

        Returns:
            When it is done, `part` gives `preview.MOMENTS_CLIP` and `preview.MOMENTS_PICTURE` where there are
            any; it gives them with their reasons. It ends as `read_for_record` does.

        Raises:
            TooMany: it is not read yet, or being summarised already, or nothing can be begun now.
        """
        with self._lock:
            busy = upload.moments is not None and not upload.moments.done()
            if busy or upload.state != "done" or upload.id not in self._uploads or self._closing.is_set():
                raise TooMany(f"{upload.name} is being read; try again when that is done")
            job = self._prepare(upload, "summarize", length=length, blur_others=blur_others)
            upload.moments = self._pool.submit(self._summarize, upload, job)
            return upload.moments

    def _summarize(self, upload: Upload, job: Job) -> dict[str, Any]:
        try:
            return job.run()
        finally:
            shutil.rmtree(upload.folder / "moments", ignore_errors=True)
            self._change(upload, bytes=_size_of(upload.folder))

    def _read_for_record(self, upload: Upload, job: Job) -> dict[str, Any]:
        try:
            return job.run()
        finally:
            shutil.rmtree(upload.folder / "record", ignore_errors=True)

    def _show_why(self, upload: Upload, job: Job) -> None:
        job.run()
        self._change(upload, bytes=_size_of(upload.folder))

    def remove(self, upload: Upload) -> None:
        """Delete an upload and all that was made of it; what reads it is ended."""
        with self._lock:
            self._uploads.pop(upload.id, None)
        if upload.job is not None:
            upload.job.cancel()
        shutil.rmtree(upload.folder, ignore_errors=True)

    def forget(self, owner: str) -> None:
        """Delete all of somebody's uploads, as when they log out."""
        with self._lock:
            found = [upload for upload in self._uploads.values() if upload.owner == owner]
        for upload in found:
            self.remove(upload)

    def sweep(self) -> None:
        """Delete what nobody has asked for in a long time, and the oldest where all take too much room."""
        now_s = self._clock()
        with self._lock:
            finished = [upload for upload in self._uploads.values() if not upload.open]
            room = _KEPT_UPLOADS * self.max_mb * _MILLION - sum(
                upload.bytes for upload in self._uploads.values()
            )
            over = []
            for upload in sorted(finished, key=lambda each: each.used_s):
                if room < 0 or now_s - upload.used_s >= self._kept_s:
                    over.append(upload)
                    room += upload.bytes
        for upload in over:
            self.remove(upload)

    def close(self) -> None:
        """End all children, and delete everything; safe twice."""
        with self._lock:
            self._closing.set()
            uploads = list(self._uploads.values())
        self._pool.shutdown(wait=False, cancel_futures=True)
        for upload in uploads:
            self.remove(upload)
        self._pool.shutdown()
        self._sweeper.join(1.0)
        self._folder.cleanup()

    def _begin(self, name: str, owner: str) -> Upload:
        name = shown_name(name)
        suffix = PurePosixPath(name).suffix.lower()
        if suffix not in PHOTOGRAPHS | VIDEOS:
            raise WrongKind(
                f"{name}: expected a photograph (JPEG, PNG, HEIC...) or a video (MP4, MOV, MKV...), received"
                f" {f'a file in {suffix}' if suffix else 'a name without a suffix'}; export it as JPEG or MP4"
            )
        self.sweep()
        with self._lock:
            if self._closing.is_set() or sum(upload.open for upload in self._uploads.values()) >= self.most:
                raise TooMany(
                    f"{name}: {self.most} files are already being read; send it again when one is done"
                )
            key = secrets.token_urlsafe(16)
            folder = Path(self._folder.name, secrets.token_hex(16))
            folder.mkdir(mode=0o700)
            kind: Kind = "photograph" if suffix in PHOTOGRAPHS else "video"
            upload = Upload(key, owner, name, kind, folder, folder / f"upload{suffix}", used_s=self._clock())
            self._uploads[key] = upload
            return upload

    def _queue(self, upload: Upload) -> None:
        with self._lock:
            if upload.id not in self._uploads or self._closing.is_set():
                return
            job = self._prepare(upload, "analyse")
            upload.state = "waiting"
            self._pool.submit(self._run, upload, job)

    def _prepare(self, upload: Upload, task: str, **more: Any) -> Job:
        order = {"task": task, "file": str(upload.file), "name": upload.name, "kind": upload.kind, **more}
        settings = reading_with(self._settings, upload.network, upload.prior)
        upload.job = self._make_job(order, settings=settings, folder=upload.folder, limits=self._limits)
        return upload.job

    def _run(self, upload: Upload, job: Job) -> None:
        try:
            self._change(upload, state="running", stage="reading", progress=0.0)
            result = job.run(lambda message: self._change(upload, **message))
            known = {name: result.get(name) for name in preview.SHOWN}
            self._change(
                upload, state="done", stage=None, progress=1.0, result=known, bytes=_size_of(upload.folder)
            )
        except MienError as error:
            self._fail(upload, str(error))
        except Exception:
            # The border of the thread: a mistake of ours ends this upload, not the ones that wait.
            _log.exception("an upload could not be read")
            self._fail(upload, f"{upload.name}: cannot be read because of a mistake in mien; see its log")
        finally:
            with self._lock:
                wanted = upload.id in self._uploads
            if not wanted:
                shutil.rmtree(upload.folder, ignore_errors=True)

    def _fail(self, upload: Upload, error: str) -> None:
        shutil.rmtree(upload.folder, ignore_errors=True)
        self._change(upload, state="failed", stage=None, progress=None, error=error, bytes=0)

    def _change(self, upload: Upload, **values: Any) -> None:
        with self._lock:
            for name, value in values.items():
                setattr(upload, name, value)
            upload.used_s = self._clock()

    def _sweep_often(self) -> None:
        while not self._closing.wait(_SWEEP_EVERY_S):
            self.sweep()
            os.utime(self._folder.name)


def _nothing() -> Future[None]:
    done: Future[None] = Future()
    done.set_result(None)
    return done


def _has_failed(ended: Future[None]) -> bool:
    return ended.done() and (ended.cancelled() or ended.exception() is not None)


def _size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if not path.is_symlink())


def remove_leftovers(folder: Path) -> None:
    """Delete what servers have left that were killed; one that runs touches its folder twice a minute.

    Args:
        folder: where the system keeps temporary files.
    """
    oldest_s = time.time() - KEPT_S
    for path in folder.glob(f"{_PREFIX}*"):
        try:
            about = path.lstat()
        except OSError:  # another server was quicker
            continue
        mine = not hasattr(os, "getuid") or about.st_uid == os.getuid()
        if mine and stat.S_ISDIR(about.st_mode) and about.st_mtime < oldest_s:
            shutil.rmtree(path, ignore_errors=True)
