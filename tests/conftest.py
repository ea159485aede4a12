"""What all tests share: where the data is, and a real face that everybody has."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from numpy.typing import NDArray
from PIL import Image

import marks
from mien.train.backend import choose_backend

pytest_plugins = ["store_fixtures"]

choose_backend()  # before any importorskip("keras")

# Before its library is loaded, here and in the programs that tests start.
os.environ["LSLAPICFG"] = str(Path(__file__).with_name("lsl_api.cfg"))

# How long an example takes says how busy the machine is.
settings.register_profile("mien", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("mien"), max_examples=10)
settings.load_profile("mien")


# A shell that runs the suite in the background has Ctrl-C ignored, and what is started inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--quick",
        action="store_true",
        help=f"leave out what is marked {', '.join(sorted(marks.LEFT_OUT))}, as `make test` does",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("quick"):
        settings.load_profile("quick")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With --quick, leave files alone whose import would load Keras or Selenium for nothing."""
    return (config.getoption("quick") and marks.is_left_out(collection_path)) or None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect no garbage meanwhile: there is hardly any, and looking for it takes a sixth of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


# First, so that a test's file marks it before `-m` is looked at.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        marks.mark(item)
    if config.getoption("quick"):
        slow = [item for item in items if marks.left_out(item)]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not marks.left_out(item)]


def pytest_collection_finish() -> None:
    """Keep garbage collection away from what stays to the end: a million objects, half a second each time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    marks.running = item
    try:
        return (yield)
    finally:
        marks.running = None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Fail a test that loads a training framework and isn't marked so: `make test` would wait for it."""
    before = "keras" in sys.modules
    result = yield
    if not before and "keras" in sys.modules:
        marks.expect("training")
    return result


def pytest_report_header() -> str:
    """Return what a run's result depends on: the backend, its switches, the programs that it may not lack."""
    switches = ("KERAS_BACKEND", "TF_ENABLE_ONEDNN_OPTS", "MIEN_NEED_ALL")
    return "switches: " + ", ".join(f"{name}={os.environ.get(name, 'not set')}" for name in switches)


def shared_folder() -> Path:
    """Return the folder with the shared data, whether or not it exists."""
    return Path(os.environ.get("MIEN_SHARED", Path(__file__).parents[2] / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    folder = shared_folder()
    if not (folder / "data").is_dir():
        pytest.skip(f"the shared data is not here ({folder}); set MIEN_SHARED to its folder")
    return folder


@pytest.fixture(scope="session")
def portrait_path() -> Path:
    """matplotlib's bundled public-domain portrait of Grace Hopper."""
    return Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"


@pytest.fixture(scope="session")
def portrait(portrait_path: Path) -> NDArray[np.uint8]:
    image = np.asarray(Image.open(portrait_path).convert("RGB"))
    image.flags.writeable = False
    return image


@pytest.fixture
def tiny_network(tmp_path: Path) -> Path:
    """A network that needs no training: the .onnx file, with its sidecar beside it."""
    from tiny_network import save_tiny

    folder = tmp_path / "network"
    folder.mkdir()
    return save_tiny(folder)
