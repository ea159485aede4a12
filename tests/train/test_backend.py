from __future__ import annotations

import logging
import os
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from patience import LIMIT_S

if find_spec("keras") is None:  # not importorskip: it would import Keras before its backend is chosen
    pytest.skip("needs Keras", allow_module_level=True)

from mien.train.backend import batch_normalization, chance_state, data_format, load_keras, restore_chance

keras = load_keras()
BACKEND = keras.backend.backend()
only_torch = pytest.mark.skipif(BACKEND != "torch", reason="torch's own kernel needs the torch backend")
STATISTICS = ("gamma", "beta", "moving_mean", "moving_variance")


def numpy(tensor: Any) -> NDArray[np.float32]:
    return np.array(keras.ops.convert_to_numpy(tensor))


def in_new_process(code: str, **environment: str | None) -> subprocess.CompletedProcess[str]:
    """Run code with other environment variables; None takes one away."""
    env = {key: value for key, value in {**os.environ, **environment}.items() if value is not None}
    return subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=LIMIT_S
    )


def test_tensorflows_advice_to_its_programmers_is_not_printed() -> None:
    load_keras()
    assert not logging.getLogger("tensorflow").isEnabledFor(logging.WARNING)


@pytest.mark.skipif("KERAS_BACKEND" not in os.environ, reason="KERAS_BACKEND is not set")
def test_keras_backend_is_obeyed() -> None:
    assert os.environ["KERAS_BACKEND"] == BACKEND


@pytest.mark.parametrize("asked", ["tensorflow", "torch", None])
def test_without_it_torch_is_taken_where_it_is_installed(asked: str | None) -> None:
    """Without importing Keras, which would take seconds."""
    code = (
        "import sys, os; sys.modules['keras'] = object()\n"
        "from mien.train.backend import load_keras; load_keras(); print(os.environ['KERAS_BACKEND'])"
    )
    expected = asked or ("torch" if find_spec("torch") else "tensorflow")
    assert in_new_process(code, KERAS_BACKEND=asked).stdout.strip() == expected


@pytest.mark.parametrize(
    ("backend", "message"),
    [
        ("abacus", "KERAS_BACKEND: expected tensorflow or torch, received abacus"),
        ("jax", "needs Keras and its backend"),
    ],
)
def test_a_backend_that_is_not_there(backend: str, message: str) -> None:
    if find_spec(backend):
        pytest.skip(f"{backend} is installed")
    code = (
        "from mien.errors import ConfigError; from mien.train.backend import load_keras\n"
        "try: load_keras()\n"
        "except ConfigError as error: print(error)"
    )
    done = in_new_process(code, KERAS_BACKEND=backend)
    assert message in done.stdout
    assert done.stdout.count("\n") == 1


def test_the_layout_is_the_backends_fast_one() -> None:
    assert data_format() == {"torch": "channels_first"}.get(BACKEND, "channels_last")


def test_elsewhere_the_layer_is_keras_own() -> None:
    assert type(batch_normalization("bn", axis=-1)) is keras.layers.BatchNormalization


def test_chance_goes_on_where_it_was() -> None:
    """Dropout without a seed of its own, as the networks use it."""
    dropout, ones = keras.layers.Dropout(0.5), np.ones((4, 50), np.float32)
    state, variables = chance_state(), [numpy(variable) for variable in dropout.variables]
    first = numpy(dropout(ones, training=True))
    assert not np.array_equal(numpy(dropout(ones, training=True)), first)
    restore_chance(state)
    for variable, value in zip(dropout.variables, variables, strict=True):
        variable.assign(value)
    np.testing.assert_array_equal(numpy(dropout(ones, training=True)), first)


@only_torch
class TestTorchsKernel:
    """Against Keras's own layer, which computes the same in small steps."""

    shape = (8, 5, 6, 7)

    def both(self) -> tuple[Any, Any]:
        """The two layers with the same weights from chance."""
        random = np.random.default_rng(0)
        fused = batch_normalization("fused", axis=1)
        own = keras.layers.BatchNormalization(axis=1)
        for layer in (fused, own):
            layer.build((None, *self.shape[1:]))
        for name in STATISTICS:
            value = random.uniform(0.5, 2, 5)
            for layer in (fused, own):
                getattr(layer, name).assign(value)
        return fused, own

    def inputs(self, seed: int = 1) -> Any:
        values = np.random.default_rng(seed).normal(2, 3, self.shape).astype(np.float32)
        return keras.ops.convert_to_tensor(values)

    def test_it_is_another_layer(self) -> None:
        fused, own = self.both()
        assert type(fused) is not type(own)
        assert isinstance(fused, type(own))

    @pytest.mark.parametrize("training", [False, True, None])
    def test_outputs_are_equal(self, training: bool | None) -> None:
        fused, own = (numpy(layer(self.inputs(), training=training)) for layer in self.both())
        np.testing.assert_allclose(fused, own, rtol=1e-4, atol=1e-5)

    def test_moving_statistics_are_equal_but_for_the_unbiased_variance(self) -> None:
        """The moving variance takes in n / (n - 1) times Keras's variance of the batch."""
        fused, own = self.both()
        values = self.shape[0] * self.shape[2] * self.shape[3]
        keep = own.momentum
        before = numpy(own.moving_variance)
        for layer in (fused, own):
            layer(self.inputs(), training=True)
        np.testing.assert_allclose(numpy(fused.moving_mean), numpy(own.moving_mean), rtol=1e-5)
        batch_variance = (numpy(own.moving_variance) - keep * before) / (1 - keep)
        expected = keep * before + (1 - keep) * batch_variance * values / (values - 1)
        np.testing.assert_allclose(numpy(fused.moving_variance), expected, rtol=1e-5)
        np.testing.assert_allclose(numpy(fused.moving_variance), numpy(own.moving_variance), rtol=1 / values)

    def test_statistics_stand_still_in_inference_and_where_frozen(self) -> None:
        fused, _ = self.both()
        before = numpy(fused.moving_mean)
        fused(self.inputs(), training=False)
        fused.trainable = False
        fused(self.inputs(), training=True)
        np.testing.assert_array_equal(numpy(fused.moving_mean), before)

    def test_a_frozen_layer_normalises_as_in_inference(self) -> None:
        fused, _ = self.both()
        expected = numpy(fused(self.inputs(), training=False))
        fused.trainable = False
        np.testing.assert_array_equal(numpy(fused(self.inputs(), training=True)), expected)

    def test_gradients_are_equal(self) -> None:
        gradients = []
        for layer in self.both():
            x = self.inputs().clone().requires_grad_()
            (layer(x, training=True) ** 3).sum().backward()
            gradients.append([x.grad, layer.gamma.value.grad, layer.beta.value.grad])
        for fused, own in zip(*gradients, strict=True):
            np.testing.assert_allclose(fused.numpy(), own.numpy(), rtol=1e-3, atol=1e-3)
