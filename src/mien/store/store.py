"""`Store`: the record of the subjects, in a file or on a server."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from mien.store.address import find_address, find_key
from mien.store.engine import Database, utc_now
from mien.store.opening import open_database

if TYPE_CHECKING:
    from mien.store.figures import Figures
    from mien.store.readings import Readings
    from mien.store.recordings import Recordings


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
        self.database: Database = open_database(
            find_address(where), key=find_key(key), now=now, create=create
        )
        self.who = who or getpass.getuser()

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

    @cached_property
    def recordings(self) -> Recordings:
        """The recordings."""
        from mien.store.recordings import Recordings

        return Recordings(self.database)

    @cached_property
    def readings(self) -> Readings:
        """What was read in them."""
        from mien.store.readings import Readings

        return Readings(self.database)

    @cached_property
    def figures(self) -> Figures:
        """What was computed from that."""
        from mien.store.figures import Figures

        return Figures(self.database)

    def close(self) -> None:
        """Close all connections."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
