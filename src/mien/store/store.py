"""`Store`: the record of the subjects, in a file or on a server."""

from __future__ import annotations

import getpass
import logging
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from copy import copy
from datetime import datetime
from pathlib import Path
from typing import Self

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from mien.errors import StoreError
from mien.store.address import find_address, find_key
from mien.store.annotations import Annotations
from mien.store.audit import Audit
from mien.store.baselines import Baselines
from mien.store.consents import Consents
from mien.store.engine import utc_now
from mien.store.erasing import clean, erase_recordings, erase_rows, is_unclean, old_recordings
from mien.store.figures import Figures
from mien.store.neutral_faces import NeutralFaces
from mien.store.opening import open_database
from mien.store.readings import Readings
from mien.store.recordings import Recordings
from mien.store.self_reports import SelfReports
from mien.store.subjects import Subjects
from mien.store.texts import Texts
from mien.store.types import Subject
from mien.store.users import Users

_log = logging.getLogger(__name__)


class Store:
    """The record of the subjects; a context manager, which every thread may use.

    Each method of what hangs on it is a transaction of its own; `transaction` joins several.

    Args:
        where: a path or URL; see `address.find_address`.
        who: is named in the audit log; by default the system's user.
        now: the clock.
        key: passphrase of an encrypted file; see `address.find_key`.
        create: make the file where there is none.

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
    ) -> None:
        self.database = open_database(find_address(where), key=find_key(key), now=now, create=create)
        self._hang(who or _system_user())
        try:
            self._tidy()
        except BaseException:
            self.close()
            raise

    def _hang(self, who: str) -> None:
        """Hang everything on the open database, in somebody's name."""
        self.who = who
        self.audit = Audit(self.database, who)
        self.subjects = Subjects(self.database, self.audit)
        self.consents = Consents(self.database, self.audit)
        self.annotations = Annotations(self.database)
        self.self_reports = SelfReports(self.database, self.audit)
        self.recordings = Recordings(self.database)
        self.readings = Readings(self.database)
        self.figures = Figures(self.database)
        self.baselines = Baselines(self.database)
        self.neutral_faces = NeutralFaces(self.database, self.audit)
        self.users = Users(self.database, self.audit)
        self.texts = Texts(self.database, self.audit)

    def by(self, who: str) -> Self:
        """Give the same open store in another name, for the audit log; whoever opened it closes it."""
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
        """Give the moment by the store's clock."""
        return self.database.now()

    def transaction(self) -> AbstractContextManager[Session]:
        """Write several things as one; see `engine.Database.transaction`."""
        return self.database.transaction()

    def reading(self) -> AbstractContextManager[Session]:
        """Read several things as of one moment; see `engine.Database.reading`."""
        return self.database.reading()

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
            for row, recording_ids in old.items():
                erase_recordings(session, row.id, recording_ids)
                self.audit.log("retention", self.subjects.get(row.code), recordings=len(recording_ids))
        self._clean_if_possible()
        return {row.code: len(recording_ids) for row, recording_ids in old.items()}

    def _tidy(self) -> None:
        self._look_for_mistyped()
        if self.database.read_only:
            return
        self.enforce_retention()
        with self.reading() as session:
            unclean = is_unclean(session)
        if unclean:
            self._clean_if_possible()

    def _look_for_mistyped(self) -> None:
        """Say, whenever a record is opened, that answers in it stand under a mistyped name.

        Nobody may look past them: a PHQ-9 that is called otherwise is missing among the others.
        """
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
