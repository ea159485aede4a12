"""The expected mix: what is taken, what is refused, and that settings carry the shares themselves."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from mien.config import Settings, load_settings
from mien.errors import ConfigError
from mien.labels import EMOTIONS
from mien.prior import BALANCED, FER2013_MIX, FERPLUS_MIX, Mix, read_mix, write_mix

SHARES = {"neutral": 0.5, "happy": 0.3, "sadness": 0.2}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.toml", "neutral = 0.5\nhappy = 0.3\nsadness = 0.2\n"),
        ("a.txt", "neutral = 0.5\nHappiness = 0.3\nsad = 0.2"),
        ("a.JSON", json.dumps(SHARES)),
        ("a.json", '{"neutral": 0.5, "happiness": 0.3, "sadness": 0.2, "fear": 0}'),
    ],
)
def test_a_file_of_shares_is_read(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    mix = load_settings(prior=path).prior
    assert isinstance(mix, Mix)
    np.testing.assert_allclose(mix.array(), [0.5, 0.3, 0, 0.2, 0, 0, 0, 0])


def test_rounded_shares_are_divided_by_their_sum(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("neutral = 0.33\nhappiness = 0.33\nfear = 0.33\n", encoding="utf-8")
    mix = read_mix(path)
    assert mix.array().sum() == pytest.approx(1, abs=1e-12)
    assert mix.fear == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("neutral = 0.5\nhappiness = 0.6", "sum to 1, received 1.1"),
        ("neutral = 1.0", "at least two labels"),
        ("neutral = -0.5\nhappiness = 1.5", "a share of neutral from 0 to 1, received -0.5"),
        ("neutral = 0.5\nboredom = 0.5", "received boredom"),
        ("happy = 0.5\nhappiness = 0.5", "each once"),
        ('neutral = "half"\nhappiness = 0.5', "received 'half'"),
        ("neutral = nan\nhappiness = 0.5", "received nan"),
        ("neutral = true\nhappiness = 0.5", "received True"),
        ("[neutral]\nshare = 0.5", "a share of neutral"),
        ("", "sum to 1, received 0"),
        ("neutral 0.5", "is not valid TOML"),
    ],
)
def test_a_wrong_file_is_named_with_the_reason(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"mine\.toml") as caught:
        load_settings(prior=str(path))
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "Value error" not in str(caught.value)


@pytest.mark.parametrize("content", [b"[0.5, 0.5]", b"null", b"{", b"\xff\xfe", b"{" + b" " * 200_000 + b"}"])
def test_json_that_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"mine\.json"):
        load_settings(prior=path)


@pytest.mark.parametrize("name", ["equal", "", ".", "/nowhere/at.all"])
def test_no_such_file_says_what_could_be_chosen(name: str) -> None:
    with pytest.raises(ConfigError, match="expected balanced, photographs, or a file of shares by label"):
        load_settings(prior=name)


def test_settings_carry_the_shares_and_not_the_files_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a child process, and a run that goes on later, read with what was chosen."""
    path = tmp_path / "mine.toml"
    path.write_text("neutral = 0.33\nhappiness = 0.67\n", encoding="utf-8")
    monkeypatch.setenv("MIEN_PRIOR", str(path))
    settings = load_settings()
    path.unlink()
    again = Settings(**json.loads(json.dumps(settings.model_dump(mode="json"))))
    assert again == settings
    assert hash(again) == hash(settings)
    assert load_settings(prior="photographs").prior == "photographs"


def test_mien_toml_may_hold_the_shares_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mien.toml").write_text("[prior]\nneutral = 0.9\nfear = 0.1\n", encoding="utf-8")
    assert load_settings().prior == Mix(neutral=0.9, fear=0.1)
    Path("mien.toml").write_text("[prior]\nneutral = 0.9\nfear = 0.2\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"setting prior: expected shares that sum to 1, received 1\.1"):
        load_settings()


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(write_mix(FERPLUS_MIX), encoding="utf-8")
    np.testing.assert_allclose(read_mix(path).array(), FERPLUS_MIX.array(), atol=1e-6)


def test_the_named_mixes_are_whole() -> None:
    for mix in (BALANCED, FERPLUS_MIX, FER2013_MIX):
        assert mix.array().sum() == pytest.approx(1)
    assert FER2013_MIX.contempt == 0
    assert len(set(BALANCED.array().tolist())) == 1
    with pytest.raises(ValidationError):
        BALANCED.neutral = 0.5  # type: ignore[misc]
    assert tuple(Mix.model_fields) == EMOTIONS
