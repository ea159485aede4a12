from __future__ import annotations

from pathlib import Path

import av
import pytest

from cli.helpers import Run
from mien.table import read_table


def test_the_demo_needs_no_arguments_and_is_the_same_every_time(
    run: Run, tiny_network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIEN_NETWORK", str(tiny_network))
    monkeypatch.setenv("MIEN_EVERY", "8")
    ran = run("demo")
    out = Path("mien-demo")
    assert (ran.code, ran.err) == (0, "")
    names = {"table.csv", "summary.json", "portrait.png", "portrait.annotated.mp4"}
    assert {path.name for path in out.iterdir()} == names
    assert all(str(out / name) in ran.out for name in names)

    table = read_table(out / "table.csv")
    assert set(table["source"]) == {"portrait"}
    assert table["track"].eq(0).all()
    assert table["frame"].tolist() == list(range(0, 200, 8))
    with av.open(str(out / "portrait.annotated.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == len(table)

    first = (out / "table.csv").read_bytes()
    assert run("demo", "--out", "again").code == 0
    assert Path("again/table.csv").read_bytes() == first
