"""The audit log."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import pytest
from sqlalchemy import text

from mien.errors import StoreError
from mien.store.store import Store
from patience import LIMIT_S
from store_fixtures import FakeClock

NOBODY_REFUSES = {
    "sqlite": ["DROP TRIGGER audit_refuses_update", "DROP TRIGGER audit_refuses_delete"],
    "postgresql": ["ALTER TABLE audit DISABLE TRIGGER ALL"],
}


def tamper(store: Store, *commands: str) -> None:
    """Change the log behind Mien's back, its triggers taken away."""
    with store.transaction() as session:
        for command in (*NOBODY_REFUSES[store.engine.dialect.name], *commands):
            session.execute(text(command))


def test_a_line_says_who_did_what_to_whose_record(store: Store, clock: FakeClock) -> None:
    subject = store.subjects.add("P-017")
    clock.advance(seconds=1.5)
    line = store.audit.log("export", subject, files=3, kinds=["csv", "json"])
    assert (line.id, line.at, line.who, line.action) == (2, clock(), "tester", "export")
    assert (line.subject, line.details) == (subject.number, {"files": 3, "kinds": ["csv", "json"]})
    assert store.audit.entries()[-1] == line
    assert store.audit.entries(limit=1) == [line]
    assert [each.id for each in store.audit.entries()] == [1, 2]


def test_each_line_is_bound_to_the_one_before(store: Store) -> None:
    for number in range(3):
        store.audit.log("read", None, number=number)
    previous = "0" * 64
    for each in store.audit.entries():
        content = {
            "action": each.action,
            "at": each.at.isoformat(),
            "details": each.details,
            "id": each.id,
            "previous": previous,
            "subject": None,
            "who": each.who,
        }
        canonical = json.dumps(content, separators=(",", ":"))
        previous = hashlib.sha256(canonical.encode()).hexdigest()
        assert each.hash == previous
    assert store.audit.verify() == 3


def test_an_empty_log_is_right(store: Store) -> None:
    assert store.audit.verify() == 0
    assert store.audit.entries() == []


@pytest.mark.parametrize(
    "command",
    [
        "UPDATE audit SET who = 'nobody'",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE id = 1",
    ],
)
def test_it_cannot_be_changed(store: Store, command: str) -> None:
    store.audit.log("read")
    with pytest.raises(StoreError, match="append only"), store.transaction() as session:
        session.execute(text(command))
    assert store.audit.verify() == 1


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("UPDATE audit SET who = 'nobody' WHERE id = 3", "line 3 was altered"),
        ("UPDATE audit SET at = '2020-01-01 00:00:00' WHERE id = 2", "line 2 was altered"),
        ("UPDATE audit SET details = '{\"number\": 9}' WHERE id = 4", "line 4 was altered"),
        ("UPDATE audit SET subject = 'x' WHERE id = 1", "line 1 was altered"),
        (f"UPDATE audit SET hash = '{'1' * 64}' WHERE id = 5", "line 5 was altered"),
        ("DELETE FROM audit WHERE id = 3", "expected line 3, found line 4"),
        ("DELETE FROM audit WHERE id = 1", "expected line 1, found line 2"),
        ("DELETE FROM audit WHERE id = 5", "expected 5 lines, found 4"),
        ("DELETE FROM audit", "expected 5 lines, found 0"),
        (
            "INSERT INTO audit SELECT 6, at, who, action, subject, details, hash, hash FROM audit"
            " WHERE id = 5",
            "line 6 was altered",
        ),
        (
            "INSERT INTO audit SELECT 0, at, who, action, subject, details, hash, hash FROM audit"
            " WHERE id = 5",
            "expected line 1, found line 0",
        ),
        ("UPDATE audit_head SET lines = 6", "expected 6 lines, found 5"),
    ],
)
def test_what_was_done_behind_its_back_is_found(store: Store, command: str, said: str) -> None:
    for number in range(5):
        store.audit.log("read", None, number=number)
    assert store.audit.verify() == 5
    tamper(store, command)
    with pytest.raises(StoreError, match=said):
        store.audit.verify()


def test_what_json_cannot_hold_is_not_logged(store: Store) -> None:
    with pytest.raises(ValueError):
        store.audit.log("read", None, value=float("nan"))
    assert store.audit.verify() == 0


@pytest.mark.exhaustive
def test_two_programs_keep_one_chain(store: Store, store_url: str) -> None:
    script = "\n".join(
        [
            "import sys",
            "from mien.store.store import Store",
            "with Store(sys.argv[1], who=sys.argv[2]) as store:",
            "    print('open', flush=True)",
            "    sys.stdin.readline()",
            "    for number in range(40):",
            "        store.audit.log('read', None, number=number)",
        ]
    )
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", script, store_url, who],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for who in ("one", "two")
    ]
    for each in programs:
        assert each.stdout is not None
        assert each.stdout.readline() == "open\n"
    for each in programs:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    for each in programs:
        each.communicate(timeout=LIMIT_S)
        assert each.returncode == 0
    assert store.audit.verify() == 80
    assert [each.who for each in store.audit.entries()].count("one") == 40
