"""What others' signal processing needs to be used quietly."""

from __future__ import annotations

import warnings
from typing import Any


def neurokit() -> Any:
    """Return NeuroKit2, whose import warns of what it doesn't use.

    Raises:
        ModuleNotFoundError: without it; `mien[signals]` brings it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import neurokit2
    return neurokit2
