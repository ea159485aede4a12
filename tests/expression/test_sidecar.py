from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from mien.errors import ModelError
from mien.expression.sidecar import read_sidecar, sidecar_path, write_sidecar
from tiny_network import tiny_sidecar


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    sidecar = tiny_sidecar(
        temperature=1.37,
        uncertain_below=0.45,
        data=[{"name": "FER-2013", "terms": "Kaggle challenge", "sha256": "0" * 64}],
        metrics={"validation": {"accuracy": 0.71, "ece": 0.02}},
        versions={"keras": "3.15.1"},
    )
    write_sidecar(tmp_path / "a.json", sidecar)
    assert read_sidecar(tmp_path / "a.json") == sidecar


def test_it_stands_beside_the_network_even_where_the_name_has_dots() -> None:
    assert sidecar_path(Path("models/v1.2/paper.int8.onnx")) == Path("models/v1.2/paper.int8.json")


def test_it_is_frozen() -> None:
    with pytest.raises(ValidationError):
        tiny_sidecar().temperature = 2.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("labels", ["anger", "anger"]),
        ("labels", ["anger"]),
        ("labels", ["anger", ""]),
        ("temperature", 0.0),
        ("temperature", float("inf")),
        ("uncertain_below", 1.5),
        ("sha256", "abc"),
        ("parameters", -1),
        ("format", 3),
        ("input", {"size_px": 48, "framing": "tight"}),
        ("input", {"size_px": 48, "framing": "difference"}),
        ("input", {"size_px": 48, "gain": 4.0}),
        ("input", {"size_px": 48, "framing": "difference", "gain": 0.0}),
        ("created", "2026-01-01T00:00:00"),
        ("metrics", {"validation": {"accuracy": float("nan")}}),
        ("unknown", 1),
    ],
)
def test_a_value_that_cannot_be_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=field):
        tiny_sidecar(**{field: value})


def test_a_missing_one_names_the_file_and_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.json: .*sidecar.*mien models export") as caught:
        read_sidecar(tmp_path / "gone.json")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": 1}', "\x00\xff"])
def test_a_damaged_one_names_the_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(ModelError, match=r"a\.json: damaged or of another version") as caught:
        read_sidecar(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("kind", "command"), [("clips", "mien happy"), ("sentiment", "mien sentiment")])
def test_that_of_a_network_for_clips_names_the_command(tmp_path: Path, kind: str, command: str) -> None:
    (tmp_path / "mine.json").write_text(json.dumps({"kind": kind, "name": "mine"}))
    with pytest.raises(
        ModelError, match=f"whole clips, not single faces: use `{command} VIDEO --network mine.onnx`"
    ):
        read_sidecar(tmp_path / "mine.json")


def test_the_error_names_the_field(tmp_path: Path) -> None:
    facts = tiny_sidecar().model_dump(mode="json") | {"input": {"size_px": "large"}}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(ModelError, match=r"input\.size_px"):
        read_sidecar(path)
