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
    0: (-0.759, 0.031, 0.801),
    1: (-0.751, 0.179, 0.841),
    2: (-0.741, 0.333, 0.844),
    3: (-0.718, 0.498, 0.832),
    4: (-0.669, 0.675, 0.790),
    5: (-0.524, 0.933, 0.588),
    6: (-0.425, 1.028, 0.480),
    7: (-0.247, 1.155, 0.305),
    8: (0.000, 1.214, 0.209),
    17: (-0.630, -0.144, 0.325),
    18: (-0.562, -0.200, 0.224),
    19: (-0.458, -0.227, 0.130),
    20: (-0.323, -0.216, 0.048),
    21: (-0.166, -0.192, -0.005),
    27: (0.000, 0.000, 0.000),
    28: (0.000, 0.176, -0.122),
    29: (0.000, 0.329, -0.238),
    30: (0.000, 0.422, -0.283),
    31: (-0.150, 0.503, -0.062),
    32: (-0.091, 0.540, -0.088),
    33: (0.000, 0.545, -0.116),
    36: (-0.500, 0.027, 0.264),
    37: (-0.429, -0.011, 0.212),
    38: (-0.314, -0.016, 0.189),
    39: (-0.199, 0.049, 0.162),
    40: (-0.295, 0.067, 0.178),
    41: (-0.406, 0.070, 0.198),
    48: (-0.281, 0.782, 0.190),
    49: (-0.170, 0.707, 0.037),
    50: (-0.088, 0.687, -0.019),
    51: (0.000, 0.699, -0.036),
    55: (0.165, 0.892, 0.097),
    56: (0.090, 0.919, 0.064),
    57: (0.000, 0.927, 0.045),
    60: (-0.255, 0.782, 0.183),
    61: (-0.071, 0.756, 0.028),
    62: (0.000, 0.758, 0.005),
    65: (0.073, 0.828, 0.068),
    66: (0.000, 0.833, 0.048),
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
