"""Where a store lies: a file, or a server's URL."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from mien.errors import ConfigError
from mien.folders import data_folder
from mien.textfile import read_text

_POSTGRES = ("postgresql", "postgres", "postgresql+psycopg")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a store lies.

    Attributes:
        url: for SQLAlchemy; holds the server's password where there is one.
        path: of the SQLite file; None on a server.
    """

    url: URL
    path: Path | None

    def __str__(self) -> str:
        """Name the place, without its password."""
        return str(self.path) if self.path else self.url.render_as_string(hide_password=True)


def find_address(where: str | Path | None = None) -> Address:
    """Say where the store lies: where the caller says, else `MIEN_STORE`, else the user's data folder.

    Args:
        where: a path, `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/DATABASE`.

    Raises:
        ConfigError: the URL is of another database, or none.
    """
    chosen = str(where or os.environ.get("MIEN_STORE") or data_folder() / "record.sqlite")
    if "://" not in chosen:
        try:
            return _file(Path(chosen).expanduser())
        except RuntimeError as error:
            raise ConfigError(
                f"store: the home folder in {chosen} is unknown; give the whole path"
            ) from error
    try:
        url = make_url(chosen)
    except (ArgumentError, ValueError) as error:
        raise ConfigError(
            "store: expected a path, sqlite:///PATH or postgresql://USER@HOST/DATABASE"
        ) from error
    if url.drivername == "sqlite" and url.database and url.database != ":memory:":
        return _file(Path(url.database))
    if url.drivername in _POSTGRES:
        return Address(url.set(drivername="postgresql+psycopg"), None)
    shown = url.render_as_string(hide_password=True)
    raise ConfigError(f"store: expected a path, sqlite:///PATH or postgresql://..., received {shown}")


def find_key(key: str | None = None) -> str | None:
    """Give the passphrase of an encrypted file; None where there is none.

    It is what the caller says, else `MIEN_STORE_KEY`, else the first line of the file that
    `MIEN_STORE_KEY_FILE` names. It is never an argument on the command line, where others could see it.

    Raises:
        ConfigError: the file can't be read, or is empty.
    """
    if chosen := key or os.environ.get("MIEN_STORE_KEY"):
        return chosen
    if not (name := os.environ.get("MIEN_STORE_KEY_FILE")):
        return None
    try:
        first = read_text(Path(name)).partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"MIEN_STORE_KEY_FILE: cannot read {name}: {error}") from error
    if not first:
        raise ConfigError(f"MIEN_STORE_KEY_FILE: {name} is empty; its first line is the passphrase")
    return first


def wants_read_only(chosen: bool = False) -> bool:
    """Say whether a record is only to be looked at, with no line in its audit log: see `Store`.

    It is what the caller says, else whether `MIEN_STORE_READ_ONLY` is 1.
    """
    return chosen or os.environ.get("MIEN_STORE_READ_ONLY", "").lower() in ("1", "true", "yes")


def _file(path: Path) -> Address:
    return Address(URL.create("sqlite", database=str(path)), path)
