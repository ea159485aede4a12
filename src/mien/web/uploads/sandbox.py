"""A stranger's file is opened in a process of its own, with little memory, little time and few rights.

The child gets one order, a line of JSON, and answers in lines of JSON: how far it is, and at last what it
found or what is wrong with the file. What it says is checked like anything else from outside. How it is
limited, and on which systems, stands in `confine`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import BoundedSemaphore, Lock, Timer
from typing import IO, Any, Final, Literal

from mien.config import Settings
from mien.errors import SourceError
from mien.expression.network import built_in_networks
from mien.prior import Named
from mien.table import plain_name
from mien.web.uploads.networks import reading_with

CHILD: Final = (sys.executable, "-P", "-m", "mien.web.uploads.child")
"""What runs in the child; -P, as its working folder holds the stranger's file."""

_LONGEST_LINE: Final = 4 << 20
_LONGEST_WORDS: Final = 400
_ENVIRONMENT: Final = (
    "PATH", "HOME", "USERPROFILE", "LANG", "LC_ALL", "SYSTEMROOT", "LOCALAPPDATA", "XDG_CACHE_HOME",
    "MIEN_CACHE", "PYTHONPATH", "PYTHONUTF8", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
)  # fmt: skip
"""What the child sees of the environment; the rest may hold passwords."""

Tell = Callable[[dict[str, Any]], None]
Fault = Literal["cancelled", "time"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one child may use.

    Attributes:
        memory_mb: address space in MiB, which is more than is ever used; kept by Linux only. On two cores,
            the faces of a photograph of 512x600 need 512; with all that the page shows, a video of 640x360
            needs 820, one of 3840x2160 1,520, and a photograph of 48 megapixels 1,520.
        seconds: time on the clock.
        file_mb: largest file that it can write, in MiB.
    """

    memory_mb: int = 3072
    seconds: float = 600.0
    file_mb: int = 2048


class Job:
    """One child process, run once.

    Args:
        order: what to do, in the words of `child`; `file` is what it reads, `name` what people call it.
        settings: for the analysis.
        folder: private to it; it is where it runs and the only place where it can write.
        limits: what it may use.
        program: what to run; a test brings its own.
    """

    def __init__(
        self,
        order: Mapping[str, Any],
        *,
        settings: Settings,
        folder: Path,
        limits: Limits,
        program: Sequence[str] = CHILD,
    ) -> None:
        self._order = {
            **order,
            "folder": str(folder),
            "settings": _absolute(settings).model_dump(mode="json"),
            "limits": asdict(limits),
        }
        self._folder = folder
        self._limits = limits
        self._program = program
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._fault: Fault | None = None

    def run(self, tell: Tell = lambda message: None) -> dict[str, Any]:
        """Run the child to its end, and wait for it.

        Args:
            tell: given what the child says on its way: `stage`, and `progress` from 0 to 1.

        Returns:
            What it found.

        Raises:
            SourceError: the file can't be read, or not within the limits; or `cancel` was called. The message
                has the file's name, and no path.
        """
        timer = Timer(self._limits.seconds, self._stop, ["time"])
        timer.daemon = True
        process = self._start()
        timer.start()
        answer: dict[str, Any] = {}
        try:
            for message in self._talk(process):
                if "stage" in message:
                    tell(_progress(message))
                else:
                    answer = message
        finally:
            timer.cancel()
            _kill(process)
            code = process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):  # what was not taken is lost with the child
                        pipe.close()
        if isinstance(answer.get("result"), dict) and self._fault is None:
            result: dict[str, Any] = answer["result"]
            return result
        raise SourceError(self._reason(answer, code))

    def cancel(self) -> None:
        """End the child, or don't begin; `run` raises then. Safe from any thread, and more than once."""
        self._stop("cancelled")

    def _start(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._fault:
                raise SourceError(self._reason({}, 0))
            self._process = subprocess.Popen(
                self._program,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=self._folder,
                env=_environment(self._folder),
                start_new_session=True,
            )
            return self._process

    def _talk(self, process: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(OSError):  # a child that ended at once says so by its exit code
            process.stdin.write(json.dumps(self._order).encode() + b"\n")
            process.stdin.flush()  # and stays open: when it closes, the child knows that its parent has gone
        yield from _messages(process.stdout)

    def _stop(self, fault: Fault) -> None:
        with self._lock:
            self._fault = self._fault or fault
            if self._process is not None:
                _kill(self._process)

    def _reason(self, answer: Mapping[str, Any], code: int) -> str:
        name = self._order["name"]
        if self._fault == "cancelled":
            return f"{name}: stopped"
        if self._fault == "time" or code == -getattr(signal, "SIGXCPU", 0):
            return (
                f"{name}: took longer than {self._limits.seconds:g} s; send a shorter piece, or read it with"
                " mien analyze"
            )
        if answer.get("memory"):
            return f"{name}: needs more than {self._limits.memory_mb} MB of memory; make it smaller"
        if isinstance(answer.get("error"), str):
            words = answer["error"].replace(str(self._order.get("file")), name)
            return plain_name(words.replace(str(self._folder), ""))[:_LONGEST_WORDS]
        return (
            f"{name}: reading it ended unexpectedly ({_end(code)}); the file may be damaged, export it again"
        )


def _messages(pipe: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Return the lines that are JSON objects; the first that isn't ends the talk."""
    while (line := pipe.readline(_LONGEST_LINE)).endswith(b"\n"):
        try:
            message = json.loads(line)
        except ValueError:
            return
        if not isinstance(message, dict):
            return
        yield message


def _progress(message: Mapping[str, Any]) -> dict[str, Any]:
    """Take nothing from the child but one of two words and a number."""
    share = message.get("progress")
    known = isinstance(share, int | float) and 0 <= share <= 1
    return {
        "stage": "copying" if message["stage"] == "copying" else "reading",
        "progress": float(share) if known and share is not None else None,
    }


def _end(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    if sys.platform == "win32":
        process.kill()
        return
    # Its session's whole group: whatever it may have started goes with it.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    kept |= {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    # One arena for memory and one thread per library: each reserves address space, which is limited.
    single = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
    # Of Arrow's own memory pools, each reserves a GB; and ONNX Runtime would report its use to its makers.
    others = {"ARROW_DEFAULT_MEMORY_POOL": "system", "ORT_DISABLE_TELEMETRY": "1"}
    return kept | single | others | {"TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)}


def _absolute(settings: Settings) -> Settings:
    """Name the models by whole paths, as the child runs in another folder."""
    network, detector = Path(settings.network), settings.detector_model
    changes: dict[str, Any] = {"threads": settings.threads or 1}
    if settings.network not in built_in_networks() and network.is_file():
        changes["network"] = str(network.resolve())
    if detector is not None:
        changes["detector_model"] = detector.resolve()
    return settings.model_copy(update=changes)


_AT_A_TIME = BoundedSemaphore(2)


@dataclass(frozen=True, slots=True)
class AnalysisRequest:
    """What is wanted of a photograph.

    Attributes:
        task: "explain" says why each face was read as it was.
        network: the name of one that comes with Mien; None for that of the settings.
        label: the one to explain; None for each face's likeliest.
        prior: how common each expression is expected to be; None for that of the settings.
    """

    task: Literal["read", "explain"] = "read"
    network: str | None = None
    label: str | None = None
    prior: Named | None = None


READ: Final = AnalysisRequest()


def analyse_upload(
    data: bytes,
    *,
    settings: Settings,
    limits: Limits,
    begins: Callable[[Job], None] = lambda job: None,
    request: AnalysisRequest = READ,
) -> dict[str, Any]:
    """Read the faces in one photograph from outside; takes a second or more, so call it in a thread.

    Two are read at a time, and the others wait.

    Args:
        data: the file's bytes.
        settings: what to find and with which networks.
        limits: what the child process may use.
        begins: given the job before it runs, to be able to cancel it.
        request: what to do with it.

    Returns:
        `size_wh`, and `faces` as in `Reading.as_dict`, or explained, as in `web.models.Explained`.

    Raises:
        SourceError: it is no photograph, or it can't be read within the limits.
    """
    with _AT_A_TIME, tempfile.TemporaryDirectory(prefix="mien-files-") as folder:
        path = Path(folder, "upload")
        path.write_bytes(data)
        order = {"task": request.task, "file": str(path), "name": "the picture", "label": request.label}
        chosen = reading_with(settings, request.network, request.prior)
        job = Job(order, settings=chosen, folder=Path(folder), limits=limits)
        begins(job)
        return job.run()
