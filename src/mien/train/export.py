"""From a run's Keras network to the file that is shipped: with 32, 16 or 8 bits, checked and measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mien.errors import ConfigError, ModelError
from mien.expression.sidecar import Sidecar, read_sidecar, sidecar_path, write_sidecar
from mien.files import sha256_of, write_text, written_whole
from mien.train.backend import load_keras
from mien.train.prepare import prepare
from mien.train.quantise import QuantisationReport, compare, quantise
from mien.train.recipe import Recipe, parse_config
from mien.train.to_onnx import check_against_keras, halve_weights, to_onnx

Precision = Literal["half", "single", "int8"]
"""How weights are stored: 16 bits (computed with 32), 32 bits, or 8 bits (computed with 8)."""

_CALIBRATION_FACES = 512


def write_network(
    model: Any,
    path: Path,
    *,
    name: str,
    labels: Sequence[str],
    images: NDArray[np.uint8],
    precision: Literal["half", "single"] = "half",
) -> float:
    """Write a Keras network as ONNX, whole or not at all, after a check that both answer alike.

    Args:
        model: the network as it is given away.
        path: the .onnx file.
        name: stored in the graph.
        labels: what the logits mean, in their order.
        images: uint8 (n, size, size), faces to compare the answers on.
        precision: how the weights are stored.

    Returns:
        The largest difference of a logit between Keras and the graph with 32 bits.

    Raises:
        ModelError: they answer differently, or a layer can't be written.
        OutputError: the file can't be written.
    """
    graph = to_onnx(model, name=name, labels=labels)
    difference = check_against_keras(model, graph.SerializeToString(), images)
    stored = halve_weights(graph) if precision == "half" else graph
    with written_whole(path) as temporary:
        temporary.write_bytes(stored.SerializeToString())
    return difference


def export(
    run: Path,
    out: Path,
    *,
    precision: Precision = "half",
    data: Path | None = None,
    votes: Path | None = None,
) -> QuantisationReport | None:
    """Export a run's network anew.

    Args:
        run: the run's folder.
        out: the .onnx file; its sidecar is written beside it, and the run's card where its figures hold.
        precision: how the weights are stored. "int8" is measured on the validation part, and kept only if it
            pays.
        data: the run's data set; "int8" needs it, to see how far feature maps reach.
        votes: FER+'s CSV, for a Kaggle CSV.

    Returns:
        What int8 cost and gave; None for the others.

    Raises:
        ConfigError: int8 without data.
        DatasetError: the data can't be read or doesn't fit the run's recipe.
        ModelError: the folder holds no finished run, or the network can't be written.
        OutputError: a file can't be written.
    """
    recipe, sidecar, model = read_run(run)
    if precision != "int8":
        random = np.random.default_rng(0)
        images = random.integers(0, 256, (16, sidecar.size_px, sidecar.size_px), np.uint8)
        write_network(model, out, name=recipe.name, labels=sidecar.labels, images=images, precision=precision)
        _write_sidecar(out, sidecar)
        card = (run / "MODEL_CARD.md").read_text(encoding="utf-8")
        renamed = card.replace(f"card: {recipe.name}", f"card: {out.stem}")
        write_text(out.with_suffix(".md"), renamed.replace(str(run / f"{recipe.name}.onnx"), out.name))
        return None
    if data is None:
        raise ConfigError("int8 is fitted and measured on faces: give the run's data with --data")
    parts = prepare(recipe, data, votes=votes)
    single = to_onnx(model, name=recipe.name, labels=sidecar.labels).SerializeToString()
    small = quantise(single, parts.train.images[:_CALIBRATION_FACES])
    report = compare(single, small, parts.validation.images, parts.validation.targets)
    if report.pays:
        with written_whole(out) as temporary:
            temporary.write_bytes(small)
        measured = {"validation": {"accuracy": report.accuracy_after}}
        _write_sidecar(out, sidecar.model_copy(update={"metrics": measured}))
    return report


def read_run(run: Path) -> tuple[Recipe, Sidecar, Any]:
    """Read a finished run: its recipe, its sidecar and its Keras network.

    Raises:
        ModelError: the folder holds no finished run.
    """
    try:
        recipe = parse_config(json.loads((run / "config.json").read_text(encoding="utf-8")), str(run))
        model = load_keras().saving.load_model(run / f"{recipe.name}.keras", compile=False)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{run}: not the folder of a finished run ({error}); `mien train` makes one"
        ) from error
    return recipe, read_sidecar(run / f"{recipe.name}.json"), model


def _write_sidecar(network: Path, sidecar: Sidecar) -> None:
    write_sidecar(
        sidecar_path(network), sidecar.model_copy(update={"name": network.stem, "sha256": sha256_of(network)})
    )
