"""Whether somebody is behind a subject's code: a simulated person's record takes nobody's readings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mien.errors import StoreError
from mien.store.types import StoredRecording, Subject

if TYPE_CHECKING:
    from mien.store.store import Store


def is_simulated(recordings: Iterable[StoredRecording]) -> bool:
    """Say whether a subject is simulated, by its recordings."""
    return any(each.kind == "simulated" for each in recordings)


def require_person(store: Store, subject: Subject) -> None:
    """Make sure that a subject is not a simulated one.

    Args:
        store: the record.
        subject: who is to be recorded.

    Raises:
        StoreError: it is simulated.
    """
    if is_simulated(store.recordings.of(subject)):
        raise StoreError(
            f"{subject.code} is simulated: real readings don't belong in their record; choose another subject"
        )
