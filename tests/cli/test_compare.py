from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from cli.helpers import Run
from mien.expression.network import find_network

pytest.importorskip("keras")

from small_joint import write_fer2013


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_fer2013(tmp_path)


def test_networks_stand_side_by_side(run: Run, data: Path) -> None:
    printed = run("compare", data, "mien", "paper")
    assert printed.code == 0, printed.err
    for told in ("mien", "paper", "as is", "1.81 M", "CCC valence"):
        assert told in printed.out
    told = json.loads(run("compare", data, "paper", "--flips", "--json").out)
    assert [each["network"] for each in told] == ["paper"]
    assert told[0]["epochs"] is None
    assert not Path("runs").exists()


def test_networks_of_one_name_stay_two(run: Run, data: Path, tmp_path: Path) -> None:
    copy, paper = tmp_path / "paper.onnx", find_network("paper")
    shutil.copy(paper, copy)
    shutil.copy(paper.with_suffix(".json"), copy.with_suffix(".json"))
    told = json.loads(run("compare", data, "paper", copy, "--json").out)
    assert [each["network"] for each in told] == ["paper", str(copy)]


def test_crops_of_another_size_are_not_compared(run: Run, data: Path, tiny_network: Path) -> None:
    refused = run("compare", data, tiny_network)
    assert (refused.code, len(refused.errors)) == (1, 1)
    assert "takes crops of 16 pixels, but all are compared on 48" in refused.errors[0]


def test_without_training_there_are_those_that_come_with_mien(run: Run, data: Path) -> None:
    compared = run("compare", data, "--no-train", "--out", "there")
    assert compared.code == 0, compared.err
    assert "zhou-7: not trained yet, left out" in compared.err
    assert "| mien | as is |" in Path("there/comparison.md").read_text()


def test_what_is_missing_is_said_before_hours_have_passed(run: Run, data: Path, tmp_path: Path) -> None:
    without = run("compare", data, "--weights", tmp_path / "nothing.npz")
    assert (without.code, "nothing.npz: not a readable .npz of weights" in without.err) == (1, True)
    pd.read_parquet(data).drop(columns="votes").to_parquet(tmp_path / "unvoted.parquet")
    unvoted = run("compare", tmp_path / "unvoted.parquet")
    assert (
        unvoted.code,
        "the networks also learn from FER+ votes; give them with --votes" in unvoted.err,
    ) == (
        2,
        True,
    )
    assert not Path("runs").exists()


def test_rubbish_is_one_line(run: Run, data: Path, tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish.parquet"
    rubbish.write_bytes(b"rubbish")
    for arguments, code, told in (
        ((rubbish,), 1, "rubbish.parquet"),
        ((tmp_path / "nothing.csv",), 1, "nothing.csv"),
        ((data, "nobody"), 1, "no such network"),
        ((data, "--only", "vgg"), 2, "no network vgg"),
        ((tmp_path / "nothing.csv", "--only", "vgg"), 2, "no network vgg"),
        ((data, rubbish), 1, "rubbish"),
        ((data, "paper", "--seeds", "2"), 2, "--seeds can't be used with NETWORKs, which are not trained"),
        ((data, "paper", "--no-train"), 2, "--no-train can't be used with"),
        ((data, "paper", "--out", "there"), 2, "--out can't be used with"),
    ):
        ran = run("compare", *arguments)
        assert (ran.code, len(ran.errors)) == (code, 1), ran.err
        assert told in ran.errors[0]
