"""A subject's own neutral face in the record: taken deliberately, and kept until it is taken anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mien.expression.personal import Rest
from mien.record.origin import require_person
from mien.store.types import Subject

if TYPE_CHECKING:
    from mien.store.store import Store


def keep(store: Store, subject: Subject, rest: Rest) -> None:
    """Keep a neutral face; from now on it is the one that counts.

    Raises:
        ConsentError: the subject has not agreed to be recorded.
        StoreError: the subject is simulated.
    """
    require_person(store, subject)
    store.neutral_faces.add(subject, rest.to_json())


def kept(store: Store, subject: Subject, network: str) -> Rest | None:
    """Return the neutral face that counts.

    Args:
        store: the record.
        subject: whose.
        network: SHA-256 of the network that is to read by it.

    Returns:
        None where none was taken, or it is another network's: what one network says of a face means nothing
        to another.
    """
    last = store.neutral_faces.latest(subject)
    rest = None if last is None else Rest.from_json(last.value)
    return rest if rest is not None and rest.network == network else None
