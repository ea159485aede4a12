from __future__ import annotations

from datetime import UTC, timedelta

import numpy as np
import pytest

import mien
from mien.store.store import Store
from record.people import NOW, START, body, fill
from store_fixtures import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


def test_what_sensors_said_is_a_table_of_all_recordings_or_of_one(store: Store) -> None:
    subject = fill(store)
    person = mien.subject("P-017", store)
    table = person.signals()
    first, second, _ = person.recordings()
    assert list(table.columns) == [
        "uuid", "at", "start_s", "end_s", "signal", "measure", "unit", "value", "quality",
    ]  # fmt: skip
    assert set(table["uuid"]) == {first.uuid}
    assert len(table) == len(body(2))
    rates = table[table["measure"] == "heart_rate"]
    assert rates["value"].tolist()[:3] == [61.5, 62.5, 63.5]
    assert np.isnan(rates["value"].iloc[3])
    assert rates["at"].iloc[1] == START.astimezone(UTC) + timedelta(seconds=10)
    assert str(table["at"].dtype) == "datetime64[ns, UTC]" or "UTC" in str(table["at"].dtype)
    assert person.signals(first).equals(table)
    nothing = person.signals(second)
    assert list(nothing.columns) == list(table.columns)
    assert len(nothing) == 0
    assert subject.code == "P-017"
