"""From a run's Keras network to the file that is given away: with 32, 16 or 8 bits, checked and measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import onnx
from numpy.typing import NDArray

from mien.errors import ConfigError, ModelError
from mien.expression.network import MAPS, find_network
from mien.expression.sidecar import Sidecar, read_sidecar, sidecar_path, write_sidecar
from mien.files import sha256_of, write_text, written_whole
from mien.textfile import read_text
from mien.train.backend import copy_weights, load_keras
from mien.train.data.prepare import prepare
from mien.train.export.int8 import QuantisationReport, compare, quantise
from mien.train.export.to_onnx import check_against_keras, halve_weights, to_onnx
from mien.train.networks.scep import AFFECT
from mien.train.networks.spec import CLASS_MAPS
from mien.train.recipe import JointRecipe, Recipe, parse_any_config
from mien.wording import reason

Precision = Literal["half", "single", "int8"]
"""How weights are stored: 16 bits (computed with 32), 32 bits, or 8 bits (computed with 8)."""

OUTPUTS: Final = ("logits", AFFECT, MAPS, "votes", "fer2013", "presence", "landmarks")
"""All answers, in the order of an exported graph's outputs."""

_CALIBRATION_FACES = 512


def outputs_of(model: Any) -> tuple[str, ...]:
    """Name the answers that a Keras network has, in the order of `OUTPUTS`."""
    return tuple(name for name in OUTPUTS if name in model.output)


def deploy(model: Any, recipe: Recipe) -> Any:
    """Build a trained network as it is given away: Keras's own layers, 32 bits, channels last.

    Returns:
        A model with the answers of joint training; or for one label set with `logits`, and where the network
        has them `affect` (n, 2) and `maps` (n, classes, height, width), of which the logits are the means.
    """
    keras, answers = load_keras(), model.output
    classes = answers["logits"].shape[1] if "logits" in answers else 7
    plain = recipe.build(
        classes=classes, votes="votes" in answers, landmarks="landmarks" in answers, given_away=True
    )
    copy_weights(model, plain)
    if isinstance(recipe, JointRecipe):
        return plain
    outputs = {name: plain.output[name] for name in ("logits", AFFECT) if name in plain.output}
    if CLASS_MAPS in {layer.name for layer in plain.layers}:
        outputs[MAPS] = keras.layers.Permute((3, 1, 2), name=MAPS)(plain.get_layer(CLASS_MAPS).output)
    return keras.Model(plain.input, outputs, name=plain.name)


def write_network(
    model: Any,
    path: Path,
    *,
    name: str,
    labels: Sequence[str],
    images: NDArray[np.uint8],
    outputs: Sequence[str] = ("logits",),
    precision: Literal["half", "single"] = "half",
) -> tuple[onnx.ModelProto, float]:
    """Write a Keras network as ONNX, whole or not at all, after a check that both answer alike.

    Args:
        model: the network as it is given away.
        path: the .onnx file.
        name: stored in the graph.
        labels: what the logits mean, in their order.
        images: uint8 (n, size, size), faces to compare the answers on.
        outputs: which of the network's outputs to write.
        precision: how the weights are stored.

    Returns:
        The graph with 32 bits, and the largest difference of an answer between it and Keras.

    Raises:
        ModelError: they answer differently, or a layer can't be written.
        OutputError: the file can't be written.
    """
    graph = to_onnx(model, name=name, labels=labels, outputs=outputs)
    difference = check_against_keras(model, graph.SerializeToString(), images, outputs=outputs)
    stored = halve_weights(graph) if precision == "half" else graph
    with written_whole(path) as temporary:
        temporary.write_bytes(stored.SerializeToString())
    return graph, difference


def write_deployed(
    deployed: Any, folder: Path, name: str, images: NDArray[np.uint8], labels: Sequence[str]
) -> tuple[Path, bytes, float]:
    """Write NAME.keras and NAME.onnx, with weights of 16 bits.

    Args:
        deployed: what `deploy` returns.
        folder: where they go.
        name: of the network.
        images: (n, size, size) uint8, faces to compare the answers on.
        labels: of the expression.

    Returns:
        The .onnx file; its bytes with 32 bits; the largest difference of an answer between Keras and ONNX.

    Raises:
        ModelError: they answer differently.
        OutputError: a file can't be written.
    """
    with written_whole(folder / f"{name}.keras") as temporary:
        deployed.save(temporary)
    path = folder / f"{name}.onnx"
    graph, difference = write_network(
        deployed, path, name=name, labels=labels, images=images, outputs=outputs_of(deployed)
    )
    return path, graph.SerializeToString(), difference


def export(
    run: Path,
    out: Path,
    *,
    precision: Precision | None = None,
    data: Path | None = None,
    votes: Path | None = None,
) -> QuantisationReport | None:
    """Export a run's network.

    Args:
        run: the run's folder.
        out: the .onnx file; its sidecar is written beside it, and the run's card where its figures hold.
        precision: how the weights are stored; None as the run kept them. "int8" is measured on the validation
            part, and kept only if it pays; a joint run has tried it by itself.
        data: the run's data set; "int8" needs it, to see how far feature maps reach.
        votes: FER+'s CSV, for a Kaggle CSV.

    Returns:
        What int8 cost and gave; None for the others.

    Raises:
        ConfigError: int8 without data, or of a joint run.
        DatasetError: the data can't be read or doesn't fit the run's recipe.
        ModelError: the folder holds no finished run, or the network can't be written.
        OutputError: a file can't be written.
    """
    if precision is None:
        _copy(run, out)
        return None
    recipe, sidecar, model = read_run(run)
    if isinstance(recipe, JointRecipe):
        _export_joint(model, sidecar, out, precision)
        return None
    if precision != "int8":
        random = np.random.default_rng(0)
        images = random.integers(0, 256, (16, sidecar.size_px, sidecar.size_px), np.uint8)
        write_network(
            model, out, name=recipe.name, labels=sidecar.labels, images=images,
            outputs=outputs_of(model), precision=precision,
        )  # fmt: skip
        _write_sidecar(out, sidecar)
        _copy_card(run, recipe.name, out)
        return None
    if data is None:
        raise ConfigError("int8 is fitted and measured on faces: give the run's data with --data")
    parts = prepare(recipe.data, data, seed=recipe.seed, votes=votes)
    single = to_onnx(model, name=recipe.name, labels=sidecar.labels).SerializeToString()
    small = quantise(single, parts.train.images[:_CALIBRATION_FACES])
    report = compare(single, small, parts.validation.images, parts.validation.targets)
    if report.pays:
        with written_whole(out) as temporary:
            temporary.write_bytes(small)
        measured = {"validation": {"accuracy": report.accuracy_after}}
        _write_sidecar(out, sidecar.model_copy(update={"metrics": measured, "outputs": ("logits",)}))
    return report


def _copy(run: Path, out: Path) -> None:
    """Copy a run's network as it was calibrated, measured and described."""
    recipe = _read_recipe(run)
    network = find_network(run / f"{recipe.name}.onnx")
    with written_whole(out) as temporary:
        temporary.write_bytes(network.read_bytes())
    _write_sidecar(out, read_sidecar(sidecar_path(network)))
    _copy_card(run, recipe.name, out)


def _copy_card(run: Path, name: str, out: Path) -> None:
    card = read_text(run / "MODEL_CARD.md")
    renamed = card.replace(f"card: {name}", f"card: {out.stem}")
    write_text(out.with_suffix(".md"), renamed.replace(str(run / f"{name}.onnx"), out.name))


def _export_joint(model: Any, sidecar: Sidecar, out: Path, precision: Precision) -> None:
    """Write a joint network with other bits; its figures are those of the run no more."""
    if precision == "int8":
        raise ConfigError(
            "a joint run tries int8 by itself and keeps it where it pays: export without --precision"
        )
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (16, sidecar.size_px, sidecar.size_px), np.uint8)
    write_network(
        model, out, name=sidecar.name, labels=sidecar.labels, images=images, outputs=sidecar.outputs,
        precision=precision,
    )  # fmt: skip
    _write_sidecar(out, sidecar.model_copy(update={"metrics": {}}))


def _read_recipe(run: Path) -> Recipe:
    try:
        recipe = parse_any_config(json.loads(read_text(run / "config.json")), str(run))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{run}: not the folder of a finished run ({reason(error)}); `mien train` makes one"
        ) from error
    if not isinstance(recipe, Recipe):
        raise ModelError(
            f"{run}: its network reads clips, and is there as the run left it: {run / recipe.name}.onnx"
        )
    return recipe


def read_run(run: Path) -> tuple[Recipe, Sidecar, Any]:
    """Read a finished run: its recipe, its sidecar and its Keras network.

    Raises:
        ModelError: the folder holds no finished run.
    """
    recipe = _read_recipe(run)
    try:
        model = load_keras().saving.load_model(run / f"{recipe.name}.keras", compile=False)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{run}: not the folder of a finished run ({reason(error)}); `mien train` makes one"
        ) from error
    return recipe, read_sidecar(run / f"{recipe.name}.json"), model


def _write_sidecar(network: Path, sidecar: Sidecar) -> None:
    write_sidecar(
        sidecar_path(network), sidecar.model_copy(update={"name": network.stem, "sha256": sha256_of(network)})
    )
