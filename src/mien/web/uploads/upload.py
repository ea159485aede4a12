"""One file that somebody has sent, and why it may be refused."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from mien.errors import SourceError
from mien.prior import Named
from mien.source import Kind
from mien.table import plain_name
from mien.web.uploads.sandbox import Job

State = Literal["receiving", "waiting", "running", "done", "failed"]

_LONGEST_NAME: Final = 120


class WrongKind(SourceError):  # noqa: N818 - it says what is wrong
    """A file's suffix is that of neither a photograph nor a video."""


class TooLarge(SourceError):  # noqa: N818
    """A file is larger than uploads may be."""


class TooMany(SourceError):  # noqa: N818
    """As many files as may be are waiting or being read."""


@dataclass(slots=True, eq=False)
class Upload:
    """One file from a client.

    Attributes:
        id: random; whoever knows it may see the file.
        owner: whose it is; random too.
        name: what the client calls it; shown as text, never a path.
        kind: photograph or video, by its suffix.
        folder: its own.
        file: where it lies in there.
        state: how far it is.
        stage: what is being done: "reading", then "copying" where browsers need a copy.
        progress: of the stage, 0 to 1; None where it isn't known.
        error: what was wrong with it, in a line.
        result: its record in short; see `preview.SHOWN`.
        used_s: when somebody last asked for it, by the table's clock.
        bytes: what it takes on the disk.
        network: the name of one that comes with Mien; None for the server's own.
        prior: how common each expression is expected to be; None for the server's own.
        job: the child that reads it, or did.
        why: done when it is known why it was read so; None before anybody has asked.
        moments: done when its moments are chosen; None before anybody has asked.
        record: done when it was read for a subject's record; None before anybody has asked.
    """

    id: str
    owner: str
    name: str
    kind: Kind
    folder: Path
    file: Path
    state: State = "receiving"
    stage: str | None = None
    progress: float | None = None
    error: str | None = None
    result: dict[str, Any] = field(default_factory=dict)
    used_s: float = 0.0
    bytes: int = 0
    network: str | None = None
    prior: Named | None = None
    job: Job | None = None
    why: Future[None] | None = None
    moments: Future[dict[str, Any]] | None = None
    record: Future[dict[str, Any]] | None = None

    @property
    def open(self) -> bool:
        """Whether there is still something to do with it."""
        return self.state in ("receiving", "waiting", "running")

    def as_dict(self) -> dict[str, Any]:
        """Return what the client may know, ready for JSON."""
        told = ("id", "name", "kind", "network", "prior", "state", "stage", "progress", "error")
        return {**{key: getattr(self, key) for key in told}, **self.result}


def shown_name(name: str) -> str:
    """Return a client's file name as it is shown: one line, without folders, not too long."""
    bare = plain_name(name).replace("\\", "/").rpartition("/")[2].strip()
    stem, dot, suffix = bare.rpartition(".")
    most = _LONGEST_NAME - len(dot + suffix)
    return f"{stem[:most]}{dot}{suffix}"[:_LONGEST_NAME] or "file"
