"""What one face costs: the multiply-adds of a network's exported graph."""

from __future__ import annotations

from math import prod

import onnx

_WEIGHED = ("Conv", "Gemm", "MatMul", "QLinearConv", "QLinearMatMul")


def multiply_adds(model: onnx.ModelProto) -> int:
    """Count the multiplications by weights, each with its addition, that one face needs.

    Convolutions and dense layers count, which is nearly all; activations, pooling and sums don't.

    Args:
        model: a graph of `to_onnx`, with 32, 16 or 8 bits.
    """
    shaped = onnx.shape_inference.infer_shapes(model).graph
    shapes = {each.name: _sides(each) for each in (*shaped.value_info, *shaped.output)}
    shapes |= {each.name: list(each.dims) for each in shaped.initializer}
    makers = {name: node for node in shaped.node for name in node.output}
    return sum(_of(node, shapes, makers) for node in shaped.node if node.op_type in _WEIGHED)


def _of(node: onnx.NodeProto, shapes: dict[str, list[int]], makers: dict[str, onnx.NodeProto]) -> int:
    # Between weights and layer may stand what brings 16 or 8 bits back to 32: it leaves the shape alone.
    weights = node.input[3 if node.op_type.startswith("QLinear") else 1]
    while weights not in shapes:
        weights = makers[weights].input[0]
    outputs, kernel = prod(shapes[node.output[0]][1:]), shapes[weights]
    if node.op_type.endswith("Conv"):  # the kernel is (out, in / groups, height, width)
        return outputs * prod(kernel[1:])
    return outputs * kernel[-2]  # (in, out)


def _sides(value: onnx.ValueInfoProto) -> list[int]:
    """Give a value's shape; the batch, which is no number, counts as 1."""
    return [side.dim_value or 1 for side in value.type.tensor_type.shape.dim]
