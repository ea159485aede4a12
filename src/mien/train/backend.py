"""Which library Keras computes with, and what that library wants to be fast."""

from __future__ import annotations

import logging
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import ConfigError
from mien.install import extras_command
from mien.processors import usable_cores

_LIBRARIES = ("mien", "keras", "torch", "tensorflow-cpu", "tensorflow", "numpy", "onnx", "onnxruntime")


def versions() -> dict[str, str]:
    """Return the versions of what trains and exports networks here, by name."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def choose_backend() -> None:
    """Choose the library with which Keras computes, before it is imported.

    KERAS_BACKEND is obeyed. Where it is not set, torch is taken if it is installed (it trains these networks
    several times faster than TensorFlow on a plain processor), else TensorFlow.
    """
    os.environ.setdefault("KERAS_BACKEND", "torch" if find_spec("torch") else "tensorflow")


def load_keras() -> Any:
    """Import Keras on the user's backend, or on that of `choose_backend`.

    Raises:
        ConfigError: Keras, or the backend that was asked for, is not installed.
    """
    choose_backend()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if (cores := usable_cores()) < (os.cpu_count() or 1):
        # Both count the machine's cores or those bound to, and know nothing of a control group's share.
        for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
            os.environ.setdefault(name, str(cores))
    try:
        import keras
    except ImportError as error:
        extra = "train-torch" if os.environ["KERAS_BACKEND"] == "torch" else "train"
        raise ConfigError(
            f"training needs Keras and its backend ({error}): {extras_command(extra)}"
        ) from error
    except ValueError as error:  # Keras's answer to a backend that it doesn't know
        raise ConfigError(
            f"KERAS_BACKEND: expected tensorflow or torch, received {os.environ['KERAS_BACKEND']} ({error})"
        ) from error
    # TensorFlow warns of networks that begin anew for each person left out; no user can change that.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    return keras


def data_format() -> str:
    """Return the layout of feature maps that the backend computes without copying.

    Keras copies every feature map twice around each layer where torch is given "channels_last"; TensorFlow's
    processor kernels know nothing else. Weights have the same shapes in both layouts.
    """
    return "channels_first" if load_keras().backend.backend() == "torch" else "channels_last"


def graphics_card() -> str | None:
    """Return torch's name of the graphics card that Keras computes on; None elsewhere, and on TensorFlow."""
    if load_keras().backend.backend() != "torch":
        return None
    import torch

    return "cuda" if torch.cuda.is_available() else None


def copy_weights(source: Any, target: Any) -> Any:
    """Return a network the weights of another one that has layers of the same names, and more maybe.

    Returns:
        The target.
    """
    for layer in target.layers:
        if layer.weights:
            layer.set_weights(source.get_layer(layer.name).get_weights())
    return target


def chance_state() -> list[NDArray[np.uint8]]:
    """Return the state of the backend's own source of chance, if it has one beside Keras's seed generators.

    torch's dropout draws from torch's global generator, whose state is no variable of the model. (That of the
    processor; graphics cards have generators of their own, and don't compute the same twice anyway.)
    """
    if load_keras().backend.backend() != "torch":
        return []
    import torch

    return [torch.get_rng_state().numpy()]


def restore_chance(state: list[NDArray[np.uint8]]) -> None:
    """Go on with the chance of a `chance_state`; nothing to restore is fine."""
    if state and load_keras().backend.backend() == "torch":
        import torch

        torch.set_rng_state(torch.from_numpy(state[0]))


def batch_normalization(name: str, *, axis: int, dtype: str = "float32", momentum: float = 0.99) -> Any:
    """Make a batch normalisation layer that uses the backend's own kernel for training.

    Keras spells the layer out in twenty element-wise operations on torch; torch's fused kernel gives the same
    output and made a whole training step of MobileNet 1.65 times faster (benchmarks/training.py measures it).
    Only the moving variance differs, by n / (n - 1) for n values a channel: torch averages the unbiased
    variance, Keras the biased one. For a batch of 64 maps of 3x3 that is 0.2 %.

    Args:
        name: the layer's name.
        axis: the axis of the channels.
        dtype: Keras's name of the type that feature maps are computed in; statistics stay float32.
        momentum: of the running statistics; with few hundred steps in all, 0.99 never reaches the maps' own.
    """
    keras = load_keras()
    if keras.backend.backend() != "torch" or axis != 1:
        return keras.layers.BatchNormalization(axis=axis, name=name, dtype=dtype, momentum=momentum)
    import torch

    class TorchBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc, name-defined]
        def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
            return torch.nn.functional.batch_norm(
                inputs,
                # `_value`, since `value` would be a copy in the maps' type; torch takes float32 with bfloat16
                self.moving_mean._value.data,
                self.moving_variance._value.data,
                self.gamma._value,
                self.beta._value,
                training=bool(training and self.trainable),
                momentum=1 - self.momentum,
                eps=self.epsilon,
            )

        def compute_output_spec(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
            return keras.KerasTensor(inputs.shape, dtype=self.compute_dtype)

    return TorchBatchNormalization(axis=axis, name=name, dtype=dtype, momentum=momentum)
