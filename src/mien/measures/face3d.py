"""The standard face: 68 points in space, whose picture tells how a head is turned.

The points are our own. `benchmarks/face_shape.py` computes them from the landmarks of FER-2013's faces: of
all symmetric shapes this is the one whose pictures, each turned, scaled and moved as fits it best, come
nearest to them (structure from motion under scaled orthography, after Tomasi & Kanade 1992).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

_LEFT_HALF: Final = {
    0: (-0.760, 0.031, 0.795),
    1: (-0.751, 0.180, 0.834),
    2: (-0.742, 0.333, 0.837),
    3: (-0.719, 0.498, 0.824),
    4: (-0.670, 0.675, 0.782),
    5: (-0.525, 0.932, 0.582),
    6: (-0.426, 1.027, 0.474),
    7: (-0.247, 1.153, 0.299),
    8: (0.000, 1.212, 0.204),
    17: (-0.630, -0.143, 0.322),
    18: (-0.562, -0.200, 0.222),
    19: (-0.458, -0.227, 0.129),
    20: (-0.322, -0.216, 0.048),
    21: (-0.166, -0.192, -0.005),
    27: (0.000, 0.000, 0.000),
    28: (0.000, 0.175, -0.120),
    29: (0.000, 0.328, -0.236),
    30: (0.000, 0.420, -0.281),
    31: (-0.150, 0.502, -0.061),
    32: (-0.091, 0.538, -0.086),
    33: (0.000, 0.544, -0.114),
    36: (-0.500, 0.026, 0.262),
    37: (-0.429, -0.011, 0.210),
    38: (-0.314, -0.016, 0.188),
    39: (-0.199, 0.049, 0.161),
    40: (-0.295, 0.067, 0.177),
    41: (-0.406, 0.069, 0.196),
    48: (-0.282, 0.779, 0.193),
    49: (-0.171, 0.704, 0.038),
    50: (-0.088, 0.683, -0.016),
    51: (0.000, 0.696, -0.034),
    57: (0.000, 0.925, 0.049),
    58: (-0.090, 0.916, 0.067),
    59: (-0.166, 0.890, 0.100),
    60: (-0.256, 0.779, 0.186),
    61: (-0.071, 0.752, 0.030),
    62: (0.000, 0.754, 0.007),
    66: (0.000, 0.830, 0.052),
    67: (-0.073, 0.826, 0.072),
}
"""The points at the picture's left and on the middle line, by their number in iBUG's order: x to the
picture's right, y down, z away from the camera, from the point between the eyes (27), in distances between
the outer corners of the eyes."""

MIRROR: Final = np.array(
    [
        *range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, *range(35, 30, -1),
        45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
        *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1),
    ]
)  # fmt: skip
"""(68,) the number of each point's partner on the other side; points on the middle line are their own."""

RIGID: Final = np.array([0, 1, 2, 14, 15, 16, *range(27, 36), 36, 39, 42, 45])
"""The points that stay whatever the face shows: before the ears, the nose, the corners of the eyes."""


def _whole() -> Points:
    points = np.empty((len(MIRROR), 3))
    for number, xyz in _LEFT_HALF.items():
        points[MIRROR[number]] = np.multiply(xyz, (-1, 1, 1))
        points[number] = xyz
    points.flags.writeable = False
    return points


STANDARD_FACE: Final = _whole()
"""(68, 3) the standard face, facing the camera as FER-2013's faces do on average."""
