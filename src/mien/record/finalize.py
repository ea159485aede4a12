"""The end of a recording: its readings as a series, the episodes found in them, and packing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, fields

from mien.mood.episodes import Episode, episodes
from mien.mood.series import Series
from mien.record.delivery import deliver_waiting
from mien.record.spool import spool_folder
from mien.store.store import Store
from mien.store.types import Event, StoredRecording

_FIELDS = tuple(field.name for field in fields(Series))

FindEpisodes = Callable[[Series], Sequence[Episode]]


def load_series(store: Store, recording_id: int) -> Series:
    """Return the readings of a recording, also while it is being written.

    Raises:
        StoreError: there is no such recording, or it can't be read.
    """
    return Series(**store.readings.load(recording_id, fields=_FIELDS))


def finalize(store: Store, recording_id: int, find: FindEpisodes = episodes) -> None:
    """Finish the work on a recording that has ended: find its episodes and smiles, and pack it.

    Doing it twice changes nothing.

    Args:
        store: where the recording is.
        recording_id: which.
        find: finds the episodes.

    Raises:
        StoreError: there is no such recording, or it can't be read or written.
    """
    with store.audit.unlogged():
        series = load_series(store, recording_id)
    found = [Event(**asdict(episode)) for episode in find(series)]
    with store.transaction():
        store.readings.set_events(recording_id, found)
        store.readings.pack(recording_id)
        store.signals.pack(recording_id)
        store.recordings.mark_finalized(recording_id)


def recover(store: Store) -> list[StoredRecording]:
    """End the recordings whose writer is gone, with what waits of them on this computer, and finalize them.

    Returns:
        Those recordings; what was open is interrupted now.

    Raises:
        StoreError: it can't be read or written.
    """
    folder = None if store.database.read_only else spool_folder(store)
    ended = deliver_waiting(store, folder) if folder else []
    ended += store.recordings.recover()
    for recording in ended:
        finalize(store, recording.id)
    return ended
