"""A text means the same whichever editor wrote it: with a byte order mark, in UTF-16, with CRLF."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from mien.config import load_settings
from mien.errors import ConfigError, ModelError
from mien.expression.network import find_network
from mien.expression.sidecar import read_sidecar, sidecar_path
from mien.live.purpose import read_purpose
from mien.prior import Mix, read_mix
from mien.record.daily_series import read_series
from mien.store.opening import find_key
from mien.table import read_rows, read_table, table_frame
from mien.textfile import csv_form, read_text
from mien.web.settings import read_password

ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "plain": lambda text: text.encode(),
    "UTF-8 with a mark": lambda text: codecs.BOM_UTF8 + text.encode(),
    "UTF-16 of PowerShell": lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
    "UTF-16, big end first": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    "Windows lines": lambda text: codecs.BOM_UTF8 + text.replace("\n", "\r\n").encode(),
}


@pytest.fixture(params=list(ENCODINGS))
def encode(request: pytest.FixtureRequest) -> Callable[[str], bytes]:
    return ENCODINGS[request.param]


def test_a_text(tmp_path: Path, encode: Callable[[str], bytes]) -> None:
    (tmp_path / "a").write_bytes(encode("größer 😀\nzwei\n"))
    assert read_text(tmp_path / "a") == "größer 😀\nzwei\n"


def test_the_settings(
    tmp_path: Path, encode: Callable[[str], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mien.toml").write_bytes(encode("min_face_px = 77\n"))
    monkeypatch.chdir(tmp_path)
    assert load_settings().min_face_px == 77


def test_settings_that_are_no_toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mien.toml").write_bytes("# größer\n".encode("latin-1"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"mien\.toml is not valid TOML"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "text"), [("a.json", '{"neutral": 0.5, "sad": 0.5}'), ("a.toml", "neutral = 0.5\nsad = 0.5\n")]
)
def test_an_expected_mix(tmp_path: Path, encode: Callable[[str], bytes], name: str, text: str) -> None:
    (tmp_path / name).write_bytes(encode(text))
    assert read_mix(tmp_path / name) == Mix.model_validate({"neutral": 0.5, "sad": 0.5})


def test_a_recipe(tmp_path: Path, encode: Callable[[str], bytes]) -> None:
    from mien.train.recipe import read_recipe

    text = (files("mien.train") / "recipes" / "paper.toml").read_text(encoding="utf-8")
    (tmp_path / "own.toml").write_bytes(encode(text))
    assert read_recipe(str(tmp_path / "own.toml")) == read_recipe("paper")


def test_a_password_and_a_passphrase(
    tmp_path: Path, encode: Callable[[str], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_bytes(encode("a long passwörd\nsecond line\n"))
    assert read_password(tmp_path / "secret") == "a long passwörd"
    monkeypatch.delenv("MIEN_STORE_KEY", raising=False)
    monkeypatch.setenv("MIEN_STORE_KEY_FILE", str(tmp_path / "secret"))
    assert find_key() == "a long passwörd"


def test_a_sidecar(tmp_path: Path, encode: Callable[[str], bytes]) -> None:
    shipped = sidecar_path(find_network("paper"))
    (tmp_path / "own.json").write_bytes(encode(shipped.read_text(encoding="utf-8")))
    assert read_sidecar(tmp_path / "own.json") == read_sidecar(shipped)
    (tmp_path / "own.json").write_bytes(b'{"name": "\xff"}')
    with pytest.raises(ModelError, match="expected JSON in UTF-8"):
        read_sidecar(tmp_path / "own.json")


def test_the_purpose(tmp_path: Path, encode: Callable[[str], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_CONFIG", str(tmp_path))
    (tmp_path / "purpose.json").write_bytes(encode(json.dumps({"purpose": "research"})))
    assert read_purpose() == "research"


def test_a_series(tmp_path: Path, encode: Callable[[str], bytes]) -> None:
    (tmp_path / "a.csv").write_bytes(encode("date,mood\n20260503,1.5\n20260504,2\n"))
    series = read_series(tmp_path / "a.csv")
    assert [f"{day}" for day in series.index] == ["2026-05-03", "2026-05-04"]
    assert series["mood"].tolist() == [1.5, 2.0]


@pytest.mark.parametrize("day", ["2026", "2026-05", "202605"])
def test_a_series_without_whole_days(tmp_path: Path, day: str) -> None:
    """They were the first of January, or of the month."""
    (tmp_path / "a.csv").write_text(f"date,mood\n{day},1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="holds no dates of the form 2026-05-01"):
        read_series(tmp_path / "a.csv")


def test_our_own_table(tmp_path: Path, encode: Callable[[str], bytes]) -> None:
    path = tmp_path / "table.csv"
    table_frame([]).to_csv(path, index=False)
    path.write_bytes(encode(path.read_text(encoding="utf-8")))
    assert len(read_table(path)) == 0
    assert list(read_rows(path)) == []


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_data_sets_list(tmp_path: Path, encode: Callable[[str], bytes], separator: str) -> None:
    from mien.train.data import load_dataset

    rows = [["file", "label"], ["a.png", "Happy"], ["b.png", "sad"]]
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / name), np.full((48, 48), 99, np.uint8))
    (tmp_path / "labels.csv").write_bytes(encode("\n".join(separator.join(row) for row in rows) + "\n"))
    assert load_dataset(tmp_path).labels == ("happiness", "sadness")


def test_fer2013(tmp_path: Path, encode: Callable[[str], bytes]) -> None:
    from mien.train.data import load_dataset

    pixels = " ".join(["7"] * 48 * 48)
    (tmp_path / "fer2013.csv").write_bytes(encode(f"emotion,pixels,Usage\n3,{pixels},Training\n"))
    assert load_dataset(tmp_path / "fer2013.csv").counts()["happiness"] == 1


@pytest.mark.parametrize("text", ["a,b\n1,2.5\n", "a;b\n1;2,5\n", "\na\tb, c\n1\t2.5\n"])
def test_a_table_s_cells_and_decimals_are_found(
    tmp_path: Path, encode: Callable[[str], bytes], text: str
) -> None:
    (path := tmp_path / "a.csv").write_bytes(encode(text))
    assert pd.read_csv(path, **csv_form(path)).to_numpy().tolist() == [[1, 2.5]]


def test_an_empty_table_is_said_to_be_empty(tmp_path: Path) -> None:
    (path := tmp_path / "a.csv").write_text("\n")
    with pytest.raises(ValueError, match="it is empty"):
        csv_form(path)
