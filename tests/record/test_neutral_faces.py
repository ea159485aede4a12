"""A subject's own neutral face in the record: kept by consent, exported, imported, erased."""

from __future__ import annotations

from pathlib import Path

import pytest

from mien.errors import StoreError
from mien.exchange.exporting import export_record
from mien.exchange.importing import import_record
from mien.expression.personal import Rest
from mien.record.neutral_faces import keep, kept
from mien.store.store import Store

REST = Rest("a" * 64, (0.5,) * 15, 0.2, 3.0, 1.0, float("nan"), 0.4)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "record.db")


def test_it_is_kept_only_by_consent_and_for_its_network(store: Store) -> None:
    subject = store.subjects.add("P-017")
    with pytest.raises(StoreError, match="no consent"):
        keep(store, subject, REST)
    assert kept(store, subject, REST.network) is None
    store.consents.give(subject, given_by="herself", purpose="to see")
    keep(store, subject, REST)
    found = kept(store, subject, REST.network)
    assert found is not None
    assert found.logits == REST.logits
    assert kept(store, subject, "b" * 64) is None
    assert ("add", "neutral face") in [
        (line.action, line.details.get("what")) for line in store.audit.entries()
    ]


def test_it_goes_with_the_record_and_is_erased_with_it(store: Store, tmp_path: Path) -> None:
    subject = store.subjects.add("P-017")
    store.consents.give(subject, given_by="herself", purpose="to see")
    keep(store, subject, REST)
    path = tmp_path / "record.zip"
    export_record(store, subject.code, path)
    with Store(tmp_path / "other.db") as other:
        import_record(other, path)
        assert str(kept(other, other.subjects.get("P-017"), REST.network)) == str(REST)
    assert store.erase(subject)["neutral_faces"] == 1
