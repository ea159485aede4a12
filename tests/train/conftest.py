"""What all tests of training share."""

from __future__ import annotations

from pathlib import Path

import pytest

_OF_TORCH = "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
"""NumPy 2.4's complaint about torch's tensors, which Keras meets wherever it turns them into arrays."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings(_OF_TORCH))
