from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from mien.store import users
from mien.web.security import login
from web.backend import FakeLiveSession


@pytest.fixture
def as_costly_as_ever() -> None:
    """Passwords are hashed as they are for users."""


@pytest.fixture(autouse=True)
def cheap_passwords(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hash passwords by Argon2id at its least cost: most tests only want to come in."""
    users._nobodys_hash.cache_clear()
    if "as_costly_as_ever" not in request.fixturenames:
        cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        monkeypatch.setattr(login, "_HASHER", cheap)
        monkeypatch.setattr(users, "_hasher", lambda: cheap)
    yield
    users._nobodys_hash.cache_clear()


@pytest.fixture
def live_session() -> Iterator[FakeLiveSession]:
    live_session = FakeLiveSession()
    yield live_session
    live_session.close()


@pytest.fixture
def purpose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for what the user has chosen, in which no purpose is chosen yet."""
    monkeypatch.setenv("MIEN_CONFIG", str(tmp_path / "config"))
    return tmp_path / "config"


@pytest.fixture
def research(purpose: Path) -> None:
    from mien.live.purpose import choose_purpose

    choose_purpose("research")
