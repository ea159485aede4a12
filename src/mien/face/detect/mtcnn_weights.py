"""The weights of the three nets, read from the files of the `mtcnn` package without importing it.

Importing the package would pull in TensorFlow. Its files are pickles, and a pickle can run any code: they are
loaded only when their SHA-256 is one that is known.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
from pathlib import Path

import joblib
import numpy as np
from numpy.typing import NDArray

from mien.errors import ModelError
from mien.install import install_command

FITTING_PACKAGE = "mtcnn==1.0.0"

SHA256 = {
    "pnet": "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
    "rnet": "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
    "onet": "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
}
"""The files of mtcnn 1.0.0 (MIT licence): the weights that Zhang et al. published with their paper."""


def weights_folder() -> Path:
    """Find the folder with the weight files of the installed `mtcnn` package.

    Raises:
        ModelError: the package is not installed.
    """
    found = importlib.util.find_spec("mtcnn")
    if found is None or not found.submodule_search_locations:
        raise ModelError(f"the package with MTCNN's weights is missing: {install_command(FITTING_PACKAGE)}")
    return Path(found.submodule_search_locations[0]) / "assets" / "weights"


def load_weights(net: str, folder: Path | None = None) -> list[NDArray[np.float32]]:
    """Return the arrays of one net in the order of its layers, after checking the file's SHA-256.

    Args:
        net: "pnet", "rnet" or "onet".
        folder: where NET.lz4 lies; without it, the installed package.

    Returns:
        float32 arrays in Keras's layout: kernels (height, width, in, out), biases (out,), slopes (1, 1, out),
        dense weights (in, out).

    Raises:
        ModelError: the package or the file is missing, or the file is not the one that is known.
    """
    path = (folder or weights_folder()) / f"{net}.lz4"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"cannot read {path} ({error.strerror}): {install_command(FITTING_PACKAGE)}"
        ) from error
    received = hashlib.sha256(content).hexdigest()
    if received != SHA256[net]:
        raise ModelError(
            f"{path}: expected SHA-256 {SHA256[net][:12]}..., received {received[:12]}...: "
            f"{install_command(FITTING_PACKAGE)}"
        )
    arrays: list[NDArray[np.float32]] = joblib.load(io.BytesIO(content))
    return arrays
