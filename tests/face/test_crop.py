from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import map_coordinates

from mien.face.crop import FER2013_FRAMING, Framing, crop_faces, crop_whole, face_squares, whole_image_as_face
from mien.types import Faces, Frame, Image

FRAMING = FER2013_FRAMING
UPRIGHT = np.array(
    [
        (0.5 - FRAMING.interocular / 2, FRAMING.eye_centre_xy[1]),
        (0.5 + FRAMING.interocular / 2, FRAMING.eye_centre_xy[1]),
        (0.5, 0.6),
        (0.5 - 0.14, FRAMING.eye_centre_xy[1] + FRAMING.eye_mouth),
        (0.5 + 0.14, FRAMING.eye_centre_xy[1] + FRAMING.eye_mouth),
    ]
)
"""Landmarks of a face seen from the front, in its own crop, as shares of the side."""


def one_face(points: ArrayLike | None = None, xyxy: ArrayLike = (0, 0, 10, 10)) -> Faces:
    faces = Faces(np.asarray(xyxy, np.float32)[None])
    return faces if points is None else faces.fill(points=np.asarray(points)[None])


def laid(corner: ArrayLike, side_px: float, roll_deg: float = 0.0) -> NDArray[np.float64]:
    """Lay the upright face into a picture: its crop's left top corner, side and tilt are given."""
    roll = np.radians(roll_deg)
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    return np.asarray(corner) + side_px * UPRIGHT @ turn.T


def smooth_picture(width: int = 300, height: int = 260) -> Image:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 1, (height, width, 3)).astype(np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), 4)
    return np.clip(128 + 500 * blurred, 0, 255).astype(np.uint8)


def sampled(
    image: Image, corner: ArrayLike, edge: ArrayLike, size_px: int, finer: int
) -> NDArray[np.float64]:
    """The crop by its definition: the mean of finer x finer samples in each of its pixels."""
    grey = image.astype(np.float64) @ (0.299, 0.587, 0.114)
    share = (np.arange(size_px * finer) + 0.5) / (size_px * finer)
    right, down = np.asarray(edge, float), np.array([-edge[1], edge[0]], float)  # type: ignore[index]
    x, y = (np.asarray(corner)[k] + share[None] * right[k] + share[:, None] * down[k] - 0.5 for k in (0, 1))
    fine = map_coordinates(grey, [y, x], order=1, mode="nearest")
    return fine.reshape(size_px, finer, size_px, finer).mean(axis=(1, 3))


@settings(max_examples=40)
@given(
    st.tuples(st.floats(-30, 250), st.floats(-30, 200)),
    st.floats(20, 200),
    st.floats(-179, 179),
    st.sampled_from([24, 48, 64]),
)
def test_crop_agrees_with_its_definition(
    corner: tuple[float, float], side_px: float, roll_deg: float, size_px: int
) -> None:
    image = smooth_picture()
    faces = one_face(laid(corner, side_px, roll_deg))
    (got_corner,), (edge,) = face_squares(faces)
    assert got_corner == pytest.approx(corner, abs=0.01)
    assert np.hypot(*edge) == pytest.approx(side_px, rel=1e-3)
    expected = sampled(image, got_corner, edge, size_px, finer=max(2, int(2 * side_px / size_px)))
    difference = np.abs(crop_faces(image, faces, size_px)[0] - expected)
    assert difference.mean() < 2
    assert difference.max() < 16


@pytest.mark.parametrize("roll_deg", [-40, 0, 25])
def test_eyes_come_to_lie_level_where_fer2013_has_them(roll_deg: float) -> None:
    points = laid((60, 50), 120, roll_deg)
    expected = UPRIGHT * 96 - 0.5
    for place in range(5):
        image = np.zeros((260, 300, 3), np.uint8)
        x, y = points[place] - 0.5
        rows, columns = np.mgrid[:260, :300]
        image[:] = (255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18))[..., None].astype(np.uint8)
        crop = crop_faces(image, one_face(points), 96)[0].astype(float)
        centroid = [(crop * grid).sum() / crop.sum() for grid in np.mgrid[:96, :96][::-1]]
        assert centroid == pytest.approx(expected[place].tolist(), abs=0.15)


@given(st.floats(0.01, 1))
def test_a_face_that_turns_is_not_blown_up(narrower: float) -> None:
    points = laid((60, 50), 120)
    turned = points.copy()
    turned[:, 0] = 120 + (points[:, 0] - 120) * narrower
    assert np.hypot(*face_squares(one_face(turned))[1][0]) == pytest.approx(120, rel=1e-3)


def test_a_smile_that_lifts_the_mouth_does_not_change_the_crop() -> None:
    points = laid((60, 50), 120)
    smile = points.copy()
    smile[3:, 1] -= 10
    np.testing.assert_allclose(face_squares(one_face(smile)), face_squares(one_face(points)), atol=1e-3)


def test_framing_can_be_chosen() -> None:
    wide = Framing(eye_centre_xy=(0.5, 0.4), interocular=0.19, eye_mouth=0.21)
    points = laid((60, 50), 60)
    assert np.hypot(*face_squares(one_face(points), wide)[1][0]) == pytest.approx(120, rel=1e-3)


def test_without_landmarks_the_crop_is_the_box() -> None:
    image = smooth_picture()
    grey = cv2.cvtColor(image[30:126, 20:116], cv2.COLOR_RGB2GRAY)
    expected = cv2.resize(grey, (48, 48), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(crop_faces(image, one_face(xyxy=(20, 30, 116, 126)), 48)[0], expected)


def test_a_box_that_is_no_square_is_widened_not_squeezed() -> None:
    corner, edge = face_squares(one_face(xyxy=(20, 30, 60, 130)))
    assert corner.tolist() == [[-10, 30]]
    assert edge.tolist() == [[100, 0]]


def test_fine_detail_becomes_grey_not_noise() -> None:
    rows, columns = np.mgrid[:600, :600]
    image = np.repeat(255 * ((rows + columns) % 2)[..., None], 3, axis=2).astype(np.uint8)
    for side_px in (200, 333.3, 480):
        crop = crop_faces(image, one_face(laid((50, 50), side_px, 7)), 48)
        assert np.abs(crop.astype(float) - 127.5).max() < 20


def test_outside_the_picture_its_edge_goes_on() -> None:
    image = np.full((40, 40, 3), 10, np.uint8)
    image[:, -1] = 200
    crop = crop_faces(image, one_face(xyxy=(20, 0, 60, 40)), 40)[0]
    assert (crop[:, :19] == 10).all()
    assert (crop[:, 19:] == 200).all()


def test_a_face_wholly_outside_and_a_picture_of_one_pixel_do_no_harm() -> None:
    image = np.full((1, 1, 3), 77, np.uint8)
    faces = one_face(xyxy=(500, -300, 560, -240))
    assert (crop_faces(image, faces, 16) == 77).all()


def test_eyes_in_one_point_still_give_a_crop() -> None:
    points = laid((60, 50), 120)
    points[:2] = points[:2].mean(axis=0)
    corner, edge = face_squares(one_face(points))
    np.testing.assert_allclose(edge[0], (120, 0), atol=1e-3)
    np.testing.assert_allclose(corner[0], (60, 50), atol=1e-3)


def test_no_faces_give_no_crops() -> None:
    assert crop_faces(smooth_picture(), Faces.empty(), 48).shape == (0, 48, 48)


def test_each_face_gets_its_own_crop() -> None:
    image = smooth_picture()
    first, second = one_face(laid((60, 50), 120, 10)), one_face(xyxy=(20, 30, 116, 126))
    both = Faces(
        np.concatenate([first.xyxy, second.xyxy]), points=np.concatenate([first.points, second.points])
    )
    expected = np.concatenate([crop_faces(image, faces, 48) for faces in (first, second)])
    np.testing.assert_array_equal(crop_faces(image, both, 48), expected)


def test_a_grey_crop_of_the_right_size_is_taken_as_it_is() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (48, 48, 1), np.uint8)
    image = np.repeat(grey, 3, axis=2)
    np.testing.assert_array_equal(crop_whole(image, 48)[0], grey[..., 0])
    faces = whole_image_as_face(Frame(image, 0, 0.0, "crop"))
    assert faces.xyxy.tolist() == [[0, 0, 48, 48]]
    assert faces.detection.tolist() == [1]
    np.testing.assert_array_equal(crop_faces(image, faces, 48)[0], grey[..., 0])


def test_a_whole_picture_is_averaged_down() -> None:
    image = np.random.default_rng(0).integers(0, 256, (96, 192, 3), np.uint8)
    grey = image.astype(float) @ (0.299, 0.587, 0.114)
    expected = grey.reshape(48, 2, 48, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(crop_whole(image, 48)[0], expected, atol=1.1)
    assert crop_whole(image[:20, :20], 48).shape == (1, 48, 48)


def test_on_fer2013_the_framing_gives_its_own_crops_back(shared: Path) -> None:
    with np.load(shared / "data" / "faces" / "landmarks68.npz", allow_pickle=False) as file:
        mesh = file["landmarks"][file["found"]].astype(np.float64)
    eyes = [mesh[:, 36:42].mean(axis=1), mesh[:, 42:48].mean(axis=1)]
    points = np.stack([*eyes, mesh[:, 30], mesh[:, 48], mesh[:, 54]], axis=1)
    faces = Faces(np.tile([0.0, 0, 48, 48], (len(points), 1)), points=points)
    corner, edge = face_squares(faces)
    middle = corner + edge / 2 + np.stack([-edge[:, 1], edge[:, 0]], axis=1) / 2
    assert np.median(np.linalg.norm(edge, axis=1)) == pytest.approx(48, rel=0.02)
    assert np.median(middle, axis=0).tolist() == pytest.approx([24, 24], abs=0.02 * 48)


@pytest.mark.parametrize("roll_deg", [-25, 0, 25])
def test_a_tilted_portrait_is_put_upright(portrait: Image, roll_deg: float) -> None:
    from mien.face.detect.mtcnn import Mtcnn

    turn = cv2.getRotationMatrix2D((270, 230), roll_deg, 1)
    tilted = np.asarray(cv2.warpAffine(portrait, turn, (512, 600), borderMode=cv2.BORDER_REPLICATE), np.uint8)
    detector = Mtcnn(min_face_px=80)
    crop = crop_faces(tilted, detector.detect(tilted), 300)[0]
    framed = cv2.copyMakeBorder(crop, 60, 60, 60, 60, cv2.BORDER_REPLICATE)
    again = detector.detect(np.repeat(framed[..., None], 3, axis=2)).points[0].astype(float) - 60
    left, right = again[:2]
    assert np.degrees(np.arctan2(*(right - left)[::-1])) == pytest.approx(0, abs=5)
    assert ((left + right) / 2).tolist() == pytest.approx([150, 117], abs=0.03 * 300)
