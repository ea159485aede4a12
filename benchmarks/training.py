"""How many images a second one training step of the network takes, by backend, layout and normalisation.

    python benchmarks/training.py
    python benchmarks/training.py --batch 64 --steps 20 --threads 2

Prints one table: what `mien.train.backend` chooses for each backend comes first, then what it could have
chosen. Times are medians over the steps, by the clock and of the processors (which says more on a busy
machine). The speed is the processors', and that of the table's first row is 1. Every backend that is
installed is measured in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from statistics import median
from time import perf_counter, process_time
from typing import Any
from unittest import mock

import numpy as np

CHOICES = {
    "torch": [("channels_first", "fused"), ("channels_first", "Keras's"), ("channels_last", "Keras's")],
    "tensorflow": [("channels_last", "Keras's")],
}
"""Layout and batch normalisation; TensorFlow's processor kernels can't train in channels_first."""

WARM_UP = 3


def main() -> None:
    options = arguments()
    if options.backend:
        print(json.dumps(measured(options)))
        return
    print(
        f"{platform.machine()}, {options.threads} threads; MobileNet up to block {options.last_block}, "
        f"{options.size} pixels, batches of {options.batch}\n"
    )
    names = ("images/s", "ms/step", "cpu ms", "speed")
    print(f"{'backend':12}{'layout':16}{'normalisation':13}" + "".join(f"{name:>11}" for name in names))
    first_s: float | None = None
    for backend in CHOICES:
        if find_spec(backend) is None:
            print(f"{backend:12}not installed")
            continue
        for layout, normalisation, clock_s, processors_s in in_new_process(backend, options.threads):
            first_s = first_s or processors_s
            print(
                f"{backend:12}{layout:16}{normalisation:13}{options.batch / clock_s:11.0f}"
                f"{1000 * clock_s:11.0f}{1000 * processors_s:11.0f}{first_s / processors_s:11.2f}"
            )


def in_new_process(backend: str, threads: int) -> list[Any]:
    """Measure one backend where no other is loaded; both take their threads from the environment."""
    counts = dict.fromkeys(
        ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), str(threads)
    )
    done = subprocess.run(
        [sys.executable, __file__, *sys.argv[1:], "--backend", backend],
        env={**os.environ, **counts, "KERAS_BACKEND": backend},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    rows: list[Any] = json.loads(done.stdout.splitlines()[-1])
    return rows


def measured(options: argparse.Namespace) -> list[tuple[str, str, float, float]]:
    """Return layout, normalisation, and seconds a step by the clock and of the processors."""
    from mien.train.fit import train_step
    from mien.train.targets import Batch

    random = np.random.default_rng(0)
    labels = np.eye(7, dtype=np.float32)[random.integers(0, 7, options.batch)]
    batch = Batch(
        random.integers(0, 256, (options.batch, options.size, options.size), np.uint8),
        {"logits": labels, "votes": np.full((options.batch, 8), 1 / 8, np.float32)},
        {name: np.ones(options.batch, np.float32) for name in ("logits", "votes")},
    )
    rows = []
    for layout, normalisation in CHOICES[options.backend]:
        model = network(options, layout, fused=normalisation == "fused")
        times = [timed(lambda model=model: train_step(model, batch)) for _ in range(WARM_UP + options.steps)]
        clock_s, processors_s = (median(values) for values in zip(*times[WARM_UP:], strict=True))
        rows.append((layout, normalisation, clock_s, processors_s))
    return rows


def network(options: argparse.Namespace, layout: str, *, fused: bool) -> Any:
    """Build what the recipes train; `fused` False takes Keras's own batch normalisation everywhere."""
    from mien.train.backend import batch_normalization, load_keras
    from mien.train.fit import compile_model
    from mien.train.networks import mobilenet
    from mien.train.recipe import LabelRecipe

    keras = load_keras()

    def own(name: str, *, axis: int) -> Any:
        return keras.layers.BatchNormalization(axis=axis, name=name)

    recipe = LabelRecipe(
        name="benchmark", network=mobilenet.MobileNet(last_block=options.last_block, weights="random")
    )
    with mock.patch.object(mobilenet, "batch_normalization", batch_normalization if fused else own):
        model = recipe.network.build(size_px=options.size, classes=7, votes=True, layout=layout)
    compile_model(model, keras.optimizers.AdamW(1e-3), recipe)
    return model


def timed(step: Callable[[], Any]) -> tuple[float, float]:
    """Seconds by the clock, and of all processors."""
    clock, processors = perf_counter(), process_time()
    step()
    return perf_counter() - clock, process_time() - processors


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batch", type=int, default=64, help="images a step (64)")
    parser.add_argument("--steps", type=int, default=20, help="steps that are timed (20)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads (all processors)")
    parser.add_argument("--size", type=int, default=48, help="side of the images in pixels (48)")
    parser.add_argument("--last-block", type=int, default=11, help="the backbone ends after it (11)")
    parser.add_argument("--backend", choices=CHOICES, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
