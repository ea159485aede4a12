"""A run on micro-expressions: everybody left out once; it goes on where it was interrupted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("keras")

import mien
from lifted_mouth import lifted_mouth
from mien.errors import ModelError
from mien.expression.network import OnnxNetwork, load_network
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
    with pytest.raises(ModelError, match="reads movements, not faces"):
        load_network(run.network)
    network = load_network(run.network, framing="difference")
    assert network.sidecar.input.gain == RECIPE.data.gain
    assert network.sidecar.labels == ("negative", "positive", "surprise")
    assert network.sidecar.metrics["left out"]["uf1"] == run.figures["all"].uf1
    assert "who were left out" in (tmp_path / "run" / "MODEL_CARD.md").read_text()


def test_mien_micro_shows_a_network_the_picture_that_it_learnt_from(
    tmp_path: Path, portrait: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a table of clips to labels, where a find has the times of the table."""
    film = lifted_mouth(tmp_path, portrait)
    (movement,) = mien.micro(film).movements
    moments = [(movement.onset_s, movement.apex_s), (0.1, 0.2), (0.8, 0.9), (0.55, 0.6)]
    rows = [
        f"{film.name},{LABELS[number % 2]},P{number // 2},{onset_s!r},{apex_s!r}"
        for number, (onset_s, apex_s) in enumerate(moments)
    ]
    (tmp_path / "CLIPS.csv").write_text("path,label,person,onset_s,apex_s\n" + "\n".join(rows))
    brief = RECIPE.model_copy(update={"fit": MicroFit(epochs=1, batch=2)})
    run = train_micro(brief, tmp_path / "CLIPS.csv", folder=tmp_path / "run")
    seen: list[NDArray[np.uint8]] = []
    answer = OnnxNetwork.answer
    monkeypatch.setattr(OnnxNetwork, "answer", lambda self, crops: seen.append(crops) or answer(self, crops))
    (found,) = mien.micro(film, network=run.network).movements
    with np.load(tmp_path / "run" / "pictures.npz") as kept:
        learnt_from = kept["pictures"]
    assert len(learnt_from) == len(moments)
    np.testing.assert_array_equal(seen[-1], learnt_from[:1])
    assert (found.onset_s, found.apex_s) == moments[0]
    assert found.probabilities is not None
    assert list(found.probabilities) == ["negative", "positive", "surprise"]
    assert sum(found.probabilities.values()) == pytest.approx(1)
