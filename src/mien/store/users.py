"""Users: who may come in, and what they may see."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Final, get_args

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mien.errors import ConfigError, StoreError
from mien.install import extras_command
from mien.store.ledger import Part
from mien.store.schema import UserRow, value_of
from mien.store.types import SHORTEST_PASSWORD, Role, Subject, User
from mien.store.validation import checked_choice, checked_name, require_subject

if TYPE_CHECKING:
    from argon2 import PasswordHasher

_LONGEST_PASSWORD: Final = 1000


class Users(Part):
    """The users of a store; passwords are kept only as their Argon2id hashes.

    The audit log has their ids and not their names: a subject may be one of them.
    """

    def add(self, name: str, password: str, role: Role, subject: Subject | None = None) -> User:
        """Add a user.

        Args:
            name: letters, digits, dots, dashes, underscores.
            password: at least `SHORTEST_PASSWORD` characters.
            role: what they may do.
            subject: whose record, for the role "self" and only for that.

        Raises:
            StoreError: the name is taken, the password too short, the role unknown or without its subject, or
                the first user is no admin.
            ConfigError: the extra `web` is not installed.
        """
        checked_name("user", name)
        checked_choice("role", role, get_args(Role))
        if (role == "self") != (subject is not None):
            raise StoreError(
                'role: "self" sees one subject\'s record: expected a subject with it, and only with it'
            )
        hashed = _hash(password)
        with self._database.transaction() as session:
            if _find(session, name):
                raise StoreError(f"there is already a user {name}; choose another name")
            if role != "admin" and not _count(session):
                raise StoreError("the first user has to be an admin: nobody else could add the others")
            if subject is not None:
                require_subject(session, subject)
            row = UserRow(name=name, password=hashed, role=role, subject_id=subject.id if subject else None)
            session.add(row)
            session.flush()
            self._ledger.added(session, row, action="user", added=row.id, role=role)
            return _user(row)

    def check(self, name: str, password: str) -> User | None:
        """Return the user whose name and password these are; None where they are nobody's.

        It takes time on purpose, and as much for a name that doesn't exist.
        """
        hasher, nobodys = _hasher(), _nobodys_hash()
        with self._database.reading() as session:
            row = _find(session, name)
            user, hashed = (_user(row), row.password) if row else (None, nobodys)
        return user if len(password) <= _LONGEST_PASSWORD and _fits(hasher, hashed, password) else None

    def all(self) -> list[User]:
        """Return all users, by name."""
        with self._database.reading() as session:
            return [_user(row) for row in session.scalars(select(UserRow).order_by(UserRow.name)).all()]

    def set_password(self, name: str, password: str) -> None:
        """Return a user another password.

        Raises:
            StoreError: there is no such user, or it is too short.
        """
        hashed = _hash(password)
        with self._database.transaction() as session:
            row = _require(session, name)
            with self._ledger.changing(session, row, action="user", password=row.id):
                row.password = hashed

    def remove(self, name: str) -> None:
        """Remove a user.

        Raises:
            StoreError: there is no such user, or nobody would be left to look after the others.
        """
        with self._database.transaction() as session:
            row = _require(session, name)
            if row.role == "admin" and _count(session) > 1 and _count(session, "admin") == 1:
                raise StoreError(
                    f"{name} is the only admin: add another one first, or remove the other users first"
                )
            self._ledger.remove(session, row, action="user", removed=row.id)


@cache
def _hasher() -> PasswordHasher:
    try:
        from argon2 import PasswordHasher
    except ImportError as error:
        raise ConfigError(f"users need argon2-cffi: {extras_command('web')}") from error
    # Of RFC 9106's and OWASP's choices the one with the least memory, for small machines.
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def _fits(hasher: PasswordHasher, hashed: str, password: str) -> bool:
    from argon2.exceptions import VerifyMismatchError

    try:
        return hasher.verify(hashed, _normal(password))
    except VerifyMismatchError:
        return False


@cache
def _nobodys_hash() -> str:
    return _hasher().hash("")


def _hash(password: str) -> str:
    length = len(password.strip())
    if not SHORTEST_PASSWORD <= length <= _LONGEST_PASSWORD:
        expected = f"{SHORTEST_PASSWORD} to {_LONGEST_PASSWORD} characters"
        raise StoreError(f"password: expected {expected}, received {length}")
    return _hasher().hash(_normal(password))


def _normal(password: str) -> bytes:
    """Return the bytes of a password; an accent can be typed in more than one way."""
    return unicodedata.normalize("NFC", password.strip()).encode("utf-8", "surrogatepass")


def _find(session: Session, name: str) -> UserRow | None:
    return session.scalars(select(UserRow).where(UserRow.name == name)).first()


def _require(session: Session, name: str) -> UserRow:
    row = _find(session, name)
    if row is None:
        raise StoreError(f"there is no user {name}")
    return row


def _count(session: Session, role: str | None = None) -> int:
    chosen = select(func.count()).select_from(UserRow)
    return session.scalar(chosen if role is None else chosen.where(UserRow.role == role)) or 0


def _user(row: UserRow) -> User:
    return value_of(User, row)
