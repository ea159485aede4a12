from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from mien.errors import ModelError
from mien.expression import network as module
from mien.expression.network import OnnxNetwork, built_in_networks, load_network
from mien.labels import FER2013
from tiny_network import SIDE_PX, expected_logits, save_tiny, tiny_graph, tiny_sidecar

CROPS = np.random.default_rng(0).integers(0, 256, (5, SIDE_PX, SIDE_PX), np.uint8)


def test_logits_are_what_the_graph_says(tmp_path: Path) -> None:
    network = load_network(save_tiny(tmp_path), threads=2)
    network.warm_up()
    logits = network.answer(CROPS).logits
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, expected_logits(CROPS), atol=1e-5)
    network.close()


def test_no_crops_give_no_logits() -> None:
    graph = tiny_graph()
    logits = OnnxNetwork(graph, tiny_sidecar(graph)).answer(CROPS[:0]).logits
    assert logits.shape == (0, len(FER2013))
    assert logits.dtype == np.float32


@pytest.mark.parametrize("crops", [CROPS[:, 1:], CROPS[0], CROPS.astype(np.float32), CROPS[..., None]])
def test_crops_of_another_kind_are_refused(crops: np.ndarray) -> None:
    graph = tiny_graph()
    with pytest.raises(ValueError, match=r"expected uint8 crops of shape \(n, 16, 16\), received"):
        OnnxNetwork(graph, tiny_sidecar(graph)).answer(crops)


def test_a_changed_file_is_called_damaged(tmp_path: Path) -> None:
    path = save_tiny(tmp_path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(ModelError, match=r"tiny\.onnx: damaged: expected sha256 \w{64}, received \w{64}"):
        load_network(path)


@pytest.mark.parametrize("data", [b"", b"this is not a network", tiny_graph()[:100]])
def test_a_file_that_is_no_network_is_refused_in_one_line(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ModelError, match=r"tiny\.onnx: not an ONNX network") as caught:
        load_network(save_tiny(tmp_path, data))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (tiny_graph(5), r"expected 7 numbers of logits, received logits .* 5\]"),
        (tiny_graph(side_px=20), r"expected the input image uint8 \(n, 16, 16\), received image .* 20, 20\]"),
        (tiny_graph().replace(b"\x0a\x05image", b"\x0a\x05imago"), r"expected the input image"),
        (tiny_graph(names=FER2013[::-1]), r"expected the labels neutral,surprise,.*, received"),
    ],
)
def test_a_network_for_something_else_is_refused(tmp_path: Path, graph: bytes, message: str) -> None:
    with pytest.raises(ModelError, match=rf"tiny\.onnx: {message}") as caught:
        load_network(save_tiny(tmp_path, graph))
    assert "\n" not in str(caught.value)


def test_labels_inside_the_graph_that_fit_are_fine(tmp_path: Path) -> None:
    load_network(save_tiny(tmp_path, tiny_graph(names=FER2013)))


def test_an_unknown_name_tells_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nonesuch: no such network; built in: .*path of an \.onnx file"):
        load_network("nonesuch")
    with pytest.raises(ModelError, match="no such network"):
        load_network(tmp_path)


def test_a_missing_sidecar_is_named(tmp_path: Path) -> None:
    path = tmp_path / "alone.onnx"
    path.write_bytes(tiny_graph())
    with pytest.raises(ModelError, match=r"alone\.json"):
        load_network(path)


def test_built_in_networks_go_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_tiny(tmp_path, name="zebra")
    save_tiny(tmp_path, name="ant")
    monkeypatch.setattr(module, "_models", lambda: tmp_path)
    assert built_in_networks() == ["ant", "zebra"]
    np.testing.assert_allclose(load_network("ant").answer(CROPS).logits, expected_logits(CROPS), atol=1e-5)


def _with_external(graph: bytes, location: str, *, inside: bool) -> bytes:
    """Move a graph's bias out of it, or the constant of a branch, to a file of another name."""
    model = onnx.ModelProto.FromString(graph)
    tensor = next(each for each in model.graph.initializer if each.name == "bias")
    if inside:  # in a subgraph, where a look at the initializers alone misses it
        body = helper.make_graph([], "body", [], [], [onnx.TensorProto()])
        tensor = body.initializer[0]
        tensor.CopyFrom(next(each for each in model.graph.initializer if each.name == "bias"))
        branch = model.graph.node.add(op_type="If", output=["never"])
        branch.attribute.append(helper.make_attribute("then_branch", body))
        tensor = branch.attribute[0].g.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", "28")):
        tensor.external_data.add(key=key, value=value)
    data: bytes = model.SerializeToString()
    return data


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("location", ["secret.bin", "../secret.bin", "{folder}/secret.bin", "/dev/zero"])
def test_a_network_that_names_other_files_is_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str, inside: bool
) -> None:
    """ONNX may keep its numbers in any file: this machine's would be carried into the answers."""
    (tmp_path / "secret.bin").write_bytes(np.arange(7, dtype=np.float32).tobytes())
    monkeypatch.chdir(tmp_path)  # which is where ONNX Runtime looks
    graph = _with_external(tiny_graph(), location.format(folder=tmp_path), inside=inside)
    with pytest.raises(ModelError, match=r"tiny\.onnx: its weights are in other files, which are not read"):
        load_network(save_tiny(tmp_path, graph))


def test_what_is_run_is_what_was_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is exchanged after its hash was looked at is not read a second time."""
    path = save_tiny(tmp_path)
    read_bytes = Path.read_bytes

    def then_exchanged(self: Path) -> bytes:
        content = read_bytes(self)
        if self == path:
            path.write_bytes(tiny_graph(5))
        return content

    monkeypatch.setattr(Path, "read_bytes", then_exchanged)
    np.testing.assert_allclose(load_network(path).answer(CROPS).logits, expected_logits(CROPS), atol=1e-5)
    with pytest.raises(ModelError, match="damaged"):
        load_network(path)
