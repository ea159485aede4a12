from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from web.backend import FakeLiveSession


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
