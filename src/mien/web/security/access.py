"""The store behind the page, opened when it is first asked for; and who may see what in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Final, Literal

from fastapi import Depends, HTTPException, Request

from mien.errors import ConfigError, StoreError
from mien.live.purpose import read_purpose

if TYPE_CHECKING:
    from mien.store.store import Store
    from mien.store.types import Subject, User

USER: Final = "mien.user"
"""Where the request's scope names the user of the store who has logged in; None where nobody did by name."""

OWNER: Final = "page"
"""Who is named in the audit log while the store has no users."""

_TRY_AGAIN_S: Final = 2.0
_DAY_S: Final = 86_400.0


class Records:
    """The store, opened at the first question: a page that shows no record pays nothing for it.

    Args:
        opener: opens it; None opens the store of this machine's settings.
        clock: gives seconds that never run backwards.
    """

    def __init__(
        self, opener: Callable[[], Store] | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._opener = opener or opening(None)
        self._clock = clock
        self._lock = Lock()
        self._store: Store | None = None
        self._failed: tuple[float, str] | None = None
        self._tidied_s = 0.0

    def store(self) -> Store:
        """Return the open store.

        Raises:
            StoreError: it can't be opened; tried anew after two seconds.
        """
        with self._lock:
            if self._store is not None:
                self._tidy(self._store)
                return self._store
            if self._failed is not None and self._clock() - self._failed[0] < _TRY_AGAIN_S:
                raise StoreError(self._failed[1])
            try:
                self._store = self._opener()
            except (StoreError, ConfigError) as error:
                self._failed = self._clock(), str(error)
                raise StoreError(str(error)) from error
            self._tidied_s = self._clock()
            return self._store

    def _tidy(self, store: Store) -> None:
        """Let go daily of what is older than its subject wants; opening a store has done it once."""
        if self._clock() - self._tidied_s >= _DAY_S:
            self._tidied_s = self._clock()
            store.enforce_retention()

    def check(self, name: str, password: str) -> str | None:
        """Return whether a user of the store has this password; takes time on purpose.

        Returns:
            The user's name as the store has it; None where it doesn't fit, or the store can't be opened.
        """
        try:
            users = self.store().users
            user = users.check(name, password) if users.all() else None
        except StoreError:
            return None
        return user.name if user is not None else None

    def has_user(self, name: str) -> bool:
        """Return whether the store still has a user; where it can't be read now, nobody is logged out."""
        try:
            return any(user.name == name for user in self.store().users.all())
        except StoreError:
            return True

    def may_watch(self, name: str | None) -> bool:
        """Return whether somebody may see what the server's own sources show.

        Args:
            name: of the user who has logged in; clinicians may. None for whoever came in without a name,
                who may too.
        """
        if name is None:
            return True
        try:
            return any(user.name == name and user.role == "clinician" for user in self.store().users.all())
        except StoreError:
            return False

    def may_decide(self, name: str | None) -> bool:
        """Return whether somebody may change what holds for all; of the users, only "self" may not."""
        if name is None:
            return True
        try:
            return any(user.name == name and user.role != "self" for user in self.store().users.all())
        except StoreError:
            return False

    def visitor(self, name: str | None) -> Visitor:
        """Return who asks.

        Args:
            name: of the user who has logged in, if any.

        Raises:
            StoreError: the store can't be read.
            HTTPException: 401, the store has users, and this is none of them.
        """
        store = self.store()
        users = store.users.all()
        if not users:
            return Visitor(store.by(OWNER), "everyone")
        user = next((user for user in users if user.name == name), None)
        if user is None:
            raise HTTPException(401, "log in with your name and password")
        return Visitor(store.by(user.name), user.role, user)

    def close(self) -> None:
        """Close the store, if it was opened."""
        with self._lock:
            if self._store is not None:
                self._store.close()
            self._store = None


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever asks, and the store as it is for them.

    Attributes:
        store: names them in its audit log.
        role: "everyone" while the store has no users.
        user: of the store; None while it has none.
    """

    store: Store
    role: Literal["everyone", "admin", "clinician", "self"]
    user: User | None = None

    @property
    def sees_all(self) -> bool:
        """Whether every subject is theirs to see."""
        return self.role in ("everyone", "clinician")

    @property
    def rules(self) -> bool:
        """Whether users and texts are theirs to change."""
        return self.role in ("everyone", "admin")

    def subjects(self) -> list[Subject]:
        """Return the subjects that they may see."""
        return [subject for subject in self.store.subjects.all() if self.sees(subject)]

    def subject(self, code: str) -> Subject:
        """Return a subject that they may see.

        Raises:
            HTTPException: 404, there is none, or it is not theirs to see: the answer is the same.
        """
        subject = self.store.subjects.find(code)
        if subject is None or not self.sees(subject):
            raise HTTPException(404, f"there is no subject {code} here")
        return subject

    def sees(self, subject: Subject) -> bool:
        """Return whether a subject is theirs to see."""
        if self.role == "self":
            return self.user is not None and self.user.subject_id == subject.id
        return self.sees_all


def opening(where: str | None) -> Callable[[], Store]:
    """Return what opens a store, and settles what a recording that broke off has left undone.

    Args:
        where: its path or URL; that of this machine's settings when None.
    """

    def opened() -> Store:
        from mien.record.finalize import recover
        from mien.store.store import Store

        store = Store(where)
        recover(store)
        return store

    return opened


def require_watcher(request: Request) -> None:
    """Require somebody who may watch the server's own sources; to the others there are none."""
    records: Records = request.app.state.records
    if not records.may_watch(request.scope.get(USER)):
        raise HTTPException(404, "there is no such source")


def require_person_is_known() -> None:
    """Refuse to keep anybody's record where the purpose is to count people whom nobody identifies.

    Raises:
        HTTPException: 409.
    """
    if read_purpose() == "venue":
        raise HTTPException(
            409,
            "the purpose venue is for counting people whom nobody identifies: choose another purpose first",
        )


def may_decide(request: Request) -> bool:
    """Return whether who asks may change what holds for all."""
    records: Records = request.app.state.records
    return records.may_decide(request.scope.get(USER))


def visitor(request: Request) -> Visitor:
    """Return who asks; the app's state has the records."""
    records: Records = request.app.state.records
    try:
        return records.visitor(request.scope.get(USER))
    except StoreError as error:
        raise HTTPException(503, str(error)) from error


def reader(who: Annotated[Visitor, Depends(visitor)]) -> Visitor:
    """Require somebody to whom readings are shown."""
    if who.role == "admin":
        raise HTTPException(403, "an admin manages users and texts, and can't see records")
    return who


def clinician(who: Annotated[Visitor, Depends(visitor)]) -> Visitor:
    """Require a clinician, who looks after all subjects."""
    if not who.sees_all:
        raise HTTPException(403, "only a clinician may do that")
    return who


def host(who: Annotated[Visitor, Depends(visitor)]) -> Visitor:
    """Require somebody who may look after venues: all but a subject."""
    if who.role == "self":
        raise HTTPException(403, "only a clinician or an admin may see venues")
    return who


def admin(who: Annotated[Visitor, Depends(visitor)]) -> Visitor:
    """Require an admin, who looks after users and texts."""
    if not who.rules:
        raise HTTPException(403, "only an admin may do that")
    return who


Reader = Annotated[Visitor, Depends(reader)]
Clinician = Annotated[Visitor, Depends(clinician)]
Admin = Annotated[Visitor, Depends(admin)]
Host = Annotated[Visitor, Depends(host)]
