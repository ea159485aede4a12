"""`mien analyze --pulse`, with a network that finds a known face in every frame."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest

from cli.helpers import Run
from landmark_network import save_landmark_network
from signals.made_skin import PULSE_RGB, wave

OUT = Path("mien-results")


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """16 s without loss, in which every frame is skin with a pulse of 78 a minute."""
    path, random = tmp_path / "session.mkv", np.random.default_rng(4)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=15)
        stream.height = stream.width = 96
        stream.pix_fmt = "bgr0"
        for value in wave(np.arange(240) / 15, 78.0):
            colour = (190, 140, 115) * (1 + 0.006 * value * PULSE_RGB)
            image = np.rint(colour + random.normal(0, 2, (96, 96, 3))).clip(0, 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(stream.encode(None))
    return path


def test_the_pulse_of_a_film_is_a_table_of_its_own(run: Run, film: Path, tmp_path: Path) -> None:
    network = save_landmark_network(tmp_path)
    ran = run("analyze", film, "--crops", "--network", network, "--pulse", "--no-plot")
    assert ran.code == 0
    table = pd.read_csv(OUT / "session.pulse.csv")
    assert list(table.columns) == ["time_s", "track", "rate_bpm", "quality", "method"]
    assert table["time_s"].tolist() == list(range(1, 16))
    assert table["rate_bpm"][:11].isna().all()
    read = table.dropna()
    assert len(read) >= 3
    np.testing.assert_allclose(read["rate_bpm"], 78, atol=2)
    assert (read["method"] == "POS+CHROM+LGI").all()
    (recording,) = json.loads((OUT / "summary.json").read_text())["recordings"]
    pulse = recording["pulse"]
    assert (pulse["rows"], pulse["readings"]) == (15, len(read))
    assert f"pulse {pulse['median_rate_bpm']:.0f} a minute" in ran.out
    assert "session.pulse.csv" in ran.out


def test_a_photograph_has_no_pulse(run: Run, photos: Path, tmp_path: Path) -> None:
    network = save_landmark_network(tmp_path)
    assert run("analyze", photos / "img2.jpg", "--crops", "--network", network, "--pulse").code == 0
    assert sorted(path.name for path in OUT.iterdir()) == ["summary.json", "table.csv"]


def test_a_network_without_landmarks_is_refused(run: Run, film: Path, tiny_network: Path) -> None:
    ran = run("analyze", film, "--crops", "--network", tiny_network, "--pulse")
    assert ran.code == 2
    assert "landmarks" in ran.err
