"""Opening a store: made where it is missing, brought up to date where it is old, left alone where it is newer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from mien.errors import StoreError
from mien.store.address import Address
from mien.store.engine import Database, utc_now
from mien.store.schema import Base


def open_database(
    address: Address, *, key: str | None = None, now: Callable[[], datetime] = utc_now, create: bool = True
) -> Database:
    """Open a database whose tables are as this Mien knows them."""
    if address.path and not address.path.exists():
        if not create:
            raise StoreError(f"there is no record at {address}")
        address.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        address.path.touch(0o600)
    database = Database(address, key=key, now=now)
    Base.metadata.create_all(database.engine)
    return database
