"""`mien user`: who may log in to the record on the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.helpers import Run
from mien.store.store import Store

pytest.importorskip("argon2")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_STORE", str(tmp_path / "record.sqlite"))


def secret(text: str) -> Path:
    path = Path("password.txt")
    path.write_text(f"{text}\n")
    return path


def test_the_first_is_an_admin_who_is_not_alone_for_long(run: Run) -> None:
    assert run("subject", "add", "P-017").code == 0
    assert "no users yet" in run("user", "list").out
    file = secret("correct horse")
    early = run("user", "add", "paula", "--role", "self", "--subject", "P-017", "--password-file", file)
    assert (early.code, early.err.count("\n")) == (1, 1)
    assert "first user has to be an admin" in early.err
    assert run("user", "add", "anna", "--role", "admin", "--password-file", file).code == 0
    added = run("user", "add", "paula", "--role", "self", "--subject", "P-017", "--password-file", file)
    assert added.out == "added paula, self of P-017\n"
    assert json.loads(run("user", "list", "--json").out) == [
        {"name": "anna", "role": "admin", "subject": None},
        {"name": "paula", "role": "self", "subject": "P-017"},
    ]
    assert "only admin" in run("user", "remove", "anna").err
    assert run("user", "remove", "paula").out == "removed paula\n"


def test_a_password_can_be_changed_and_is_never_shown(run: Run) -> None:
    assert run("user", "add", "anna", "--role", "admin", "--password-file", secret("correct horse")).code == 0
    changed = run("user", "password", "anna", "--password-file", secret("battery staple"))
    assert changed.out == "the password of anna was changed\n"
    with Store() as store:
        assert store.users.check("anna", "correct horse") is None
        assert store.users.check("anna", "battery staple")
    short = run("user", "password", "anna", "--password-file", secret("tiger"))
    assert (short.code, "tiger" in short.err) == (2, False)


def test_without_a_terminal_the_password_comes_from_a_file(run: Run) -> None:
    ran = run("user", "add", "anna", "--role", "admin")
    assert ran.code == 2
    assert "--password-file" in ran.err
