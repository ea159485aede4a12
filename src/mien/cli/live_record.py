"""What `mien live --subject` adds: the recorder, and what the terminal says of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from mien.analysis.models import describe_models
from mien.cli.console import print_error
from mien.config import Settings
from mien.errors import ConfigError
from mien.live.purpose import read_purpose
from mien.live.recorder import Recorder
from mien.record.finalize import recover
from mien.record.origin import source_words
from mien.record.writer import RecordStatus
from mien.store.store import Store
from mien.wording import count

FINISH_S: Final = 60.0
"""After the session is closed, what is left to do for the recording gets so long."""

_CHOOSE: Final = "nothing is stored until someone says which face is the subject's"


def check_one(sources: Sequence[object]) -> None:
    """Check at the door that one subject's record can be kept.

    Raises:
        ConfigError: there are several sources, or visitors are counted.
    """
    if len(sources) > 1:
        raise ConfigError(f"--subject records one source, received {len(sources)}: give only one")
    if read_purpose() == "venue":
        raise ConfigError(
            "--subject records one person, but the purpose venue is for counting people whom nobody"
            " identifies: choose --purpose self, research or clinic"
        )


@contextmanager
def recording(code: str, where: str | None, settings: Settings) -> Iterator[Recorder]:
    """Record a subject while the block runs, and say at the end what is stored.

    Args:
        code: the subject's.
        where: the store; see `Store`.
        settings: of the run.

    Raises:
        StoreError: there is no such subject, they have not agreed, or the store can't be used.
        ModelError: a network is missing.
    """
    with Store(where, create=False) as store:
        recover(store)
        recorder = Recorder(
            store, store.subjects.get(code),
            models=describe_models(settings), settings=settings.model_dump(mode="json"),
        )  # fmt: skip
        try:
            yield recorder
        finally:
            if not recorder.close(0):
                _say(f"finishing the record of {code}")
                recorder.close(FINISH_S)
            for status in recorder.statuses():
                _say(_told(status, store))


def _told(status: RecordStatus, store: Store) -> str:
    recording = store.recordings.find(status.uuid)
    if recording is None:
        return f"the recording of {status.subject} is no longer in the store"
    coverage = f", {recording.coverage:.0%} of it read" if recording.coverage is not None else ""
    rarely = f"; {status.too_rarely}" if status.too_rarely else ""
    size = store.readings.size_bytes(recording.id) / 1e6
    return (
        f"recorded {status.subject}: {recording.length_s / 60:.1f} min"
        f" from {source_words(status.source)}{coverage}, {size:.1f} MB in {store.where}{rarely}"
    )


class RecordTeller:
    """Says on standard error what changes in a recording.

    Args:
        recorder: whose recording.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._last: RecordStatus | None = None
        self._refused: str | None = None

    @property
    def promise(self) -> str:
        """What happens to the pictures and readings, in a few words."""
        return f"readings of {self._recorder.subject.code} are stored; pictures are not"

    @property
    def failed(self) -> bool:
        """Whether something could not be recorded."""
        return self._recorder.refused is not None or any(each.stopped for each in self._recorder.statuses())

    def look(self) -> None:
        """Say what has changed."""
        if self._recorder.refused not in (None, self._refused):
            print_error(str(self._recorder.refused))
        self._refused = self._recorder.refused
        now, last = self._recorder.status, self._last
        if now is None:
            return
        if last is None or last.recording != now.recording:
            _say(f"recording {now.subject} from {source_words(now.source)}")
            last = None
        if now.stopped and (last is None or not last.stopped):
            print_error(now.stopped)
        if now.trouble and not now.stopped and (last is None or not last.trouble):
            print_error(f"{now.trouble}; trying again")
        if now.too_rarely and (last is None or not last.too_rarely):
            _say(f"{now.subject} is {now.too_rarely}")
        if now.state == "choose" and (last is None or last.state != "choose"):
            _say(f"{now.subject}: {_CHOOSE}")
        self._last = now

    def lines(self) -> list[str]:
        """Give the line that is kept up to date."""
        status = self._recorder.status
        if status is None:
            return []
        if status.stopped:
            return [f"{status.subject}: {status.stopped}"]
        return [f"● recording {status.subject}: {_progress(status)}"]


def _progress(status: RecordStatus) -> str:
    parts = [f"{status.length_s / 60:.1f} min", f"{count(status.stored, 'frame')} stored"]
    # By time, as it is kept: of frames that came rarely, all may show the face, and hardly any time be read.
    if (coverage := status.figures.get("coverage")) is not None:
        parts.append(f"{coverage:.0%} of the time read")
    if (valence := status.figures.get("valence_mean")) is not None:
        parts.append(f"valence {valence:+.2f}")
    if (smiles := status.figures.get("smiles_per_min")) is not None:
        parts.append(f"{smiles:.1f} smiles a minute")
    if status.too_rarely:
        parts.append(status.too_rarely)
    if status.lost:
        parts.append(f"{status.lost} lost")
    if status.state == "choose":
        parts.append(_CHOOSE)
    return ", ".join(parts)


def _say(line: str) -> None:
    print(f"mien: {line}", file=sys.stderr, flush=True)
