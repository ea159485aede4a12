"""How `to_onnx` writes a Keras network: the graph, and one function for each kind of layer."""

from mien.train.onnx_export import maps, shapes, values  # each registers its layers
from mien.train.onnx_export.graph import Graph, Value
from mien.train.onnx_export.registry import converts, write_layer

__all__ = ["Graph", "Value", "converts", "maps", "shapes", "values", "write_layer"]
