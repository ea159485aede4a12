"""`Store`: the record of the subjects, in a file or on a server."""

from __future__ import annotations

import getpass
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from copy import copy
from datetime import datetime
from pathlib import Path
from typing import Self

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from mien.errors import StoreError
from mien.store.annotations import Annotations
from mien.store.audit import Access, Audit
from mien.store.consents import Consents
from mien.store.database import utc_now
from mien.store.erasing import clean, erase_rows, is_unclean, note_unclean, old_recordings
from mien.store.figures import Figures, forget_all
from mien.store.integrity import Checked, bind, check, is_unbound
from mien.store.ledger import Ledger
from mien.store.opening import find_address, find_key, open_database, wants_read_only
from mien.store.readings import Readings
from mien.store.recordings import Recordings
from mien.store.references import References
from mien.store.schema import BaselineRow, NeutralFaceRow
from mien.store.self_reports import SelfReports
from mien.store.signals import BodySignals
from mien.store.subjects import Subjects
from mien.store.texts import Texts
from mien.store.types import StoredRecording, Subject
from mien.store.users import Users
from mien.store.venues import Venues

_log = logging.getLogger(__name__)


class Store:
    """The record of the subjects; a context manager, which every thread may use.

    Each method of what hangs on it is a transaction of its own; `transaction` joins several.

    Args:
        where: a path or URL; see `opening.find_address`.
        who: is named in the audit log; by default the system's user.
        now: the clock.
        key: passphrase of an encrypted file; see `opening.find_key`.
        create: make the file where there is none.
        read_only: only look at it: nothing is written, not even who read what. Without it a record that can't
            be written is refused, as what is read of it could not be noted. `MIEN_STORE_READ_ONLY=1` asks for
            it too.

    Raises:
        StoreError: it can't be opened, is damaged, or was written by a newer Mien.
        ConfigError: the place or key can't be what it is.
    """

    def __init__(
        self,
        where: str | Path | None = None,
        *,
        who: str | None = None,
        now: Callable[[], datetime] = utc_now,
        key: str | None = None,
        create: bool = True,
        read_only: bool = False,
    ) -> None:
        self.database = open_database(
            find_address(where),
            key=find_key(key),
            now=now,
            create=create,
            read_only=wants_read_only(read_only),
        )
        self._visits: dict[Access, datetime] = {}
        self._hang(who or _system_user())
        try:
            self._tidy()
        except BaseException:
            self.close()
            raise

    def _hang(self, who: str) -> None:
        """Hang everything on the open database, in somebody's name."""
        self.who = who
        self.audit: Audit = Audit(self.database, who, self._visits)
        self._ledger = ledger = Ledger(self.database, self.audit)
        self.subjects = Subjects(ledger)
        self.consents = Consents(ledger)
        self.annotations = Annotations(ledger)
        self.self_reports = SelfReports(ledger)
        self.recordings = Recordings(ledger)
        self.readings = Readings(ledger)
        self.signals = BodySignals(ledger)
        self.figures = Figures(ledger)
        self.baselines = References(ledger, BaselineRow, name="baseline", plural="baselines")
        self.neutral_faces = References(
            ledger, NeutralFaceRow, name="neutral face", plural="neutral faces", signals=("expression",)
        )
        self.users = Users(ledger)
        self.texts = Texts(ledger)
        self.venues = Venues(ledger)

    def by(self, who: str) -> Self:
        """Return the same open store in another name, for the audit log; whoever opened it closes it."""
        other = copy(self)
        other._hang(who)
        return other

    @property
    def where(self) -> str:
        """The place, without its password."""
        return str(self.database)

    @property
    def engine(self) -> Engine:
        """SQLAlchemy's engine."""
        return self.database.engine

    def now(self) -> datetime:
        """Return the moment by the store's clock."""
        return self.database.now()

    def transaction(self) -> AbstractContextManager[Session]:
        """Write several things as one; see `database.Database.transaction`."""
        return self.database.transaction()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Read several things as of one moment, with one line in the log; see `database.Database.reading`."""
        with self.audit.as_one(), self.database.reading() as session:
            yield session

    def check(self) -> Checked:
        """Check the audit log, and the record against it; see `integrity.check`.

        Raises:
            StoreError: the log itself was altered.
        """
        lines = self.audit.verify()
        return check(self.database, lines)

    def erase(self, subject: Subject) -> dict[str, int]:
        """Erase a subject: every row, and what rows leave behind in the file.

        The audit log keeps the subject's random number, which nothing else knows any more.

        Returns:
            What was erased: consents, recordings, readings, events, annotations, ...

        Raises:
            StoreError: there is no such subject any more; or the rows are erased, but the file couldn't be
                cleaned just now.
        """
        with self.transaction() as session:
            counts = erase_rows(session, subject)
            self.audit.log("erase", subject, **counts)
        clean(self.database)
        return counts

    def remove_recording(self, subject: Subject, recording_id: int) -> StoredRecording:
        """Erase one recording of a subject: its rows with the marks on it, and what they leave in the file.

        If another program reads just then, the traces in the file are removed when the store is opened next.

        Returns:
            What it was.

        Raises:
            MissingError: the subject has no such recording.
        """
        with self.transaction() as session:
            gone = self.recordings.remove(subject, recording_id)
            note_unclean(session)
        self._clean_if_possible()
        return gone

    def enforce_retention(self, now: datetime | None = None) -> dict[str, int]:
        """Erase the recordings that are older than their subjects want them kept.

        It is done whenever a store is opened; who keeps one open for days does it daily. If another program
        reads just then, the traces in the file are removed when the store is opened next.

        Returns:
            How many recordings were erased, by the subject's code.
        """
        now = now or self.now()
        with self.reading() as session:
            if not old_recordings(session, now):
                return {}
        with self.transaction() as session:
            old = old_recordings(session, now)
            for subject, recordings in old.items():
                forget_all(session, subject.id)
                self._ledger.remove_recordings(
                    session, recordings, action="retention", recordings=len(recordings)
                )
            note_unclean(session)
        self._clean_if_possible()
        return {row.code: len(recordings) for row, recordings in old.items()}

    def _tidy(self) -> None:
        self._look_for_mistyped()
        if self.database.read_only:
            return
        with self.reading() as session:
            unbound, unclean = is_unbound(session), is_unclean(session)
        if unbound:
            bind(self.database, self.audit)
        self.enforce_retention()
        if unclean:
            self._clean_if_possible()

    def _look_for_mistyped(self) -> None:
        """Warn, whenever a record is opened, of answers in it under a mistyped name.

        Nobody may look past them: a PHQ-9 that is called otherwise is missing among the others.
        """
        with self.audit.unlogged():
            found = self.self_reports.mistyped()
        if not found:
            return
        many = f"{len(found)} self-reports have" if len(found) > 1 else "1 self-report has"
        names = ", ".join(sorted({each.report.scale for each in found}))
        _log.warning("%s a scale's name that looks mistyped (%s): mien self-report mistyped", many, names)

    def _clean_if_possible(self) -> None:
        with suppress(StoreError):  # it stays noted, for another time
            clean(self.database)

    def close(self) -> None:
        """Close all connections."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # in a container, a user may be only a number
        return f"user {os.getuid()}"
