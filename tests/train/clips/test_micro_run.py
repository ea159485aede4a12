"""A run on micro-expressions: everybody left out once; it goes on where it was interrupted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras")

from mien.expression.network import load_network
from mien.train.clips import micro_run
from mien.train.clips.micro_run import train_micro
from mien.train.micro_recipe import MicroData, MicroFit, MicroRecipe
from mien.train.networks.shcnn import Shcnn

RECIPE = MicroRecipe(
    name="small",
    data=MicroData(size_px=16),
    network=Shcnn(widths=(8, 8, 8), dense=8, dropout=0),
    fit=MicroFit(epochs=40, batch=8, learning_rate=0.01, shift_px=1),
)
LABELS = ("anger", "happiness", "surprise")


def test_everybody_is_left_out_once_and_a_stopped_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.mp4").write_bytes(b"")
    rows = [f"a.mp4,{label},P{person},0.1,0.2" for person in range(3) for label in LABELS for _ in range(4)]
    (tmp_path / "CLIPS.csv").write_text("path,label,person,onset_s,apex_s\n" + "\n".join(rows))
    random = np.random.default_rng(0)
    pictures = random.integers(120, 136, (len(rows), 16, 16))
    for number in range(len(rows)):  # each class moves another part of the face
        part = number // 4 % 3
        pictures[number, 1 + 5 * part : 5 + 5 * part, 2:14] += 40
    monkeypatch.setattr(
        micro_run, "read_pictures", lambda *these: (pictures.astype(np.uint8), np.ones(len(rows), bool))
    )
    said: list[str] = []

    def press(line: str) -> None:
        said.append(line)
        if len(said) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_micro(RECIPE, tmp_path / "CLIPS.csv", folder=tmp_path / "run", say=press)
    run = train_micro(RECIPE, tmp_path / "CLIPS.csv", folder=tmp_path / "run", terms="ours", say=said.append)
    assert [line.split()[0] for line in said if "left out" in line] == ["clips/P0", "clips/P1", "clips/P2"]
    assert run.figures["all"].uar > 0.8
    network = load_network(run.network)
    assert network.sidecar.labels == ("negative", "positive", "surprise")
    assert network.sidecar.metrics["left out"]["uf1"] == run.figures["all"].uf1
    assert "who were left out" in (tmp_path / "run" / "MODEL_CARD.md").read_text()
