"""The standard face of `mien.measures.face3d`, computed from the landmarks of FER-2013's faces.

    python benchmarks/face_shape.py

Structure from motion under scaled orthography (Tomasi & Kanade 1992, solved by turns): each face's pose is
solved for the shape so far, then the shape is solved for the poses. Every face counts mirrored too, so that
the shape is symmetric. Prints the points, how sure their depth is, and lengths beside those of measured
people. It needs `faces/landmarks68.npz` in the shared data.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.measures.face3d import MIRROR, RIGID, STANDARD_FACE
from mien.measures.pose import Pose, PoseSolver

Floats = NDArray[np.float64]

ROUNDS = 60
BEST_SHARE = 0.85  # of the faces, by how well they fit: the teacher errs on some
NEAR = 0.06  # a point further off than this, in distances between the eyes, counts less (Huber)
DEPTHS = (0.8, 0.9, 1.0, 1.1, 1.2)
PEOPLE_MM = {
    "between the inner corners (39-42)": (39, 42, 32.2, 32.1),
    "mouth (48-54)": (48, 54, 55.9, 52.0),
    "nose, n-sn (27-33)": (27, 33, 51.0, 47.6),
    "face, zy-zy (0-16)": (0, 16, 133.8, 130.1),
}
"""Men's and women's means of Virdi, Wertheim & Naini 2019; their outer corners are 98.2 and 94.4 mm apart."""
OUTER_MM = (98.2, 94.4)


def main() -> None:
    parser = argparse.ArgumentParser(description="The standard face from two-dimensional landmarks.")
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("MIEN_SHARED", "../shared")))
    parser.add_argument("--faces", type=int, default=4000)
    chosen = parser.parse_args()
    with np.load(chosen.shared / "data" / "faces" / "landmarks68.npz") as file:
        faces = file["landmarks"][file["found"]].astype(np.float64)
    faces = np.random.default_rng(0).permutation(faces)[: chosen.faces]
    faces = np.concatenate([faces, faces[:, MIRROR] * (-1, 1)])
    shape = first_guess(faces)
    for _ in range(ROUNDS):
        pose, missing = posed(faces, shape)
        good = missing <= np.quantile(missing, BEST_SHARE)
        shape = symmetric(solved_shape(faces[good], pose, good, shape))
    report(faces, best_depth(faces, shape, good), good)


def first_guess(faces: Floats) -> Floats:
    """The median face, with the cheeks behind the eyes and the nose before them."""
    eye_line = faces[:, 45] - faces[:, 36]
    size, turn = np.linalg.norm(eye_line, axis=1), np.arctan2(eye_line[:, 1], eye_line[:, 0])
    cos, sin = np.cos(turn) / size, np.sin(turn) / size
    level = (faces - faces[:, 27:28]) @ np.array([[cos, -sin], [sin, cos]]).transpose(2, 0, 1)
    xy = np.median(level, axis=0)
    nose = np.zeros(68)
    nose[28:36] = [-0.15, -0.3, -0.4, *[-0.15] * 5]
    return symmetric(np.column_stack([xy, 1.2 * xy[:, 0] ** 2 + nose]))


def symmetric(shape: Floats) -> Floats:
    both = (shape + shape[MIRROR] * (-1, 1, 1)) / 2
    return np.asarray((both - both[27]) / np.linalg.norm(both[45] - both[36]))


def posed(faces: Floats, shape: Floats) -> tuple[Pose, Floats]:
    """The poses, and how far off the rigid points are in each face, in distances between the eyes."""
    pose = PoseSolver(shape).solve(faces)
    drawn = shape[RIGID] @ pose.rotation[:, :2].transpose(0, 2, 1)
    seen = (faces[:, RIGID] - pose.shift[:, None]) / pose.scale[:, None, None]
    return pose, np.sqrt(((seen - drawn) ** 2).sum(axis=2).mean(axis=1))


def solved_shape(faces: Floats, pose: Pose, good: NDArray[np.bool_], shape: Floats) -> Floats:
    """The points whose pictures come nearest to the faces', far ones counting less."""
    rows = pose.rotation[good, :2]
    seen = (faces - pose.shift[good, None]) / pose.scale[good, None, None]
    off = np.linalg.norm(seen - shape @ rows.transpose(0, 2, 1), axis=2)
    weights = np.minimum(1, NEAR / np.maximum(off, 1e-9))
    left = np.einsum("np,nij->pij", weights, rows.transpose(0, 2, 1) @ rows)
    right = np.einsum("np,npi->pi", weights, seen @ rows)
    return np.asarray(np.linalg.solve(left, right[:, :, None])[:, :, 0])


def best_depth(faces: Floats, shape: Floats, good: NDArray[np.bool_]) -> Floats:
    """The shape made deeper or flatter, as fits best: the rounds alone come near to it only slowly."""
    times = np.arange(0.8, 1.2, 0.01)
    return deeper(
        shape, times[np.argmin([rms(posed(faces, deeper(shape, each))[1][good]) for each in times])]
    )


def deeper(shape: Floats, times: float) -> Floats:
    return symmetric(shape * (1, 1, times))


def report(faces: Floats, shape: Floats, good: NDArray[np.bool_]) -> None:
    pose, missing = posed(faces, shape)
    for number in range(68):
        if number <= MIRROR[number]:
            x, y, z = shape[number].round(3) + 0.0
            print(f"    {number}: ({x:.3f}, {y:.3f}, {z:.3f}),")
    yaw, pitch, _ = pose.angles_deg[good].T
    turned = good & (np.abs(pose.angles_deg[:, 0]) > 25)
    print(f"yaw {yaw.std():.1f}, pitch {np.median(pitch):.1f} +- {pitch.std():.1f} degrees over the faces")
    print(f"furthest from face3d: {np.abs(shape - STANDARD_FACE).max():.3f}")
    print("depth times   off, all faces   off, turned by more than 25 degrees")
    for times in DEPTHS:
        _, missing = posed(faces, deeper(shape, times))
        print(f"{times:11} {rms(missing[good]):16.5f} {rms(missing[turned]):12.5f}")
    for name, (one, other, *people_mm) in PEOPLE_MM.items():
        of_people = " and ".join(f"{mm / outer:.2f}" for mm, outer in zip(people_mm, OUTER_MM, strict=True))
        print(f"{name}: {np.linalg.norm(shape[one] - shape[other]):.2f}, men and women {of_people}")
    protrusion = np.linalg.norm(shape[30] - shape[33])
    print(f"nose, sn-prn (33-30): {protrusion:.2f}")


def rms(values: Floats) -> float:
    return float(np.sqrt(np.mean(values**2)))


if __name__ == "__main__":
    main()
