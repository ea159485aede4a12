"""The layouts of feature maps that the backend computes on every processor.

TensorFlow's kernels for the processor know channels_first only where oneDNN is switched on, which depends on
the processor; Mien never asks it for them.
"""

from __future__ import annotations

from mien.train.backend import load_keras

ON_TENSORFLOW = load_keras().backend.backend() == "tensorflow"
LAYOUTS = ("channels_last",) if ON_TENSORFLOW else ("channels_last", "channels_first")
