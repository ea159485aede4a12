from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from mien.train.augment import Augmentation, augment

Grey = NDArray[np.uint8]
NOTHING: dict[str, Any] = dict.fromkeys(Augmentation.model_fields, 0) | {"interpolation": "linear"}


def only(**chosen: float) -> Augmentation:
    return Augmentation(**{**NOTHING, **chosen})


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def faces(count: int, side: int = 48, seed: int = 1) -> Grey:
    """Smooth pictures, not too bright or dark."""
    noise = np.random.default_rng(seed).normal(size=(count, side, side)).astype(np.float32)
    smooth = np.stack([cv2.GaussianBlur(image, (0, 0), 3) for image in noise])
    return np.clip(128 + smooth * 300, 40, 215).astype(np.uint8)


def spot(side: int = 48) -> tuple[Grey, float]:
    """A bright spot right of and above the middle, and its distance from the middle."""
    image = np.zeros((1, side, side), np.uint8)
    middle = (side - 1) / 2
    cv2.circle(image[0], (round(middle + 10), round(middle - 4)), 3, 255, -1)
    x, y = place_of(image[0])
    return image, float(np.hypot(x, y))


def place_of(image: Grey) -> tuple[float, float]:
    """Where the light is, from the middle of the picture, in pixels."""
    rows, columns = np.indices(image.shape)
    weights = image / image.sum()
    middle = (image.shape[0] - 1) / 2
    return float((columns * weights).sum() - middle), float((rows * weights).sum() - middle)


@settings(max_examples=20)
@given(st.integers(0, 2**32), st.integers(24, 64), st.integers(1, 4))
def test_the_same_seed_gives_the_same_images_of_the_same_form(seed: int, side: int, count: int) -> None:
    images = faces(count, side)
    before = images.copy()
    first = augment(images, Augmentation(), random(seed))
    second = augment(images, Augmentation(), random(seed))
    np.testing.assert_array_equal(first, second)
    assert first.dtype == np.uint8
    assert first.shape == images.shape
    np.testing.assert_array_equal(images, before)


def test_each_image_is_changed_in_its_own_way() -> None:
    one = faces(1)
    changed = augment(np.repeat(one, 8, axis=0), Augmentation(), random())
    assert len({image.tobytes() for image in changed}) == 8


def test_nothing_chosen_changes_nothing() -> None:
    """But for rounding: brightness is computed in 32-bit floats."""
    images = faces(6)
    changed = augment(images, only(), random())
    assert abs(changed.astype(int) - images).max() <= 1


def test_flip_mirrors_with_its_probability() -> None:
    images = faces(400, 24)
    always = augment(images[:5], only(flip=1), random())
    assert abs(always.astype(int) - images[:5, :, ::-1]).max() <= 1
    sometimes = augment(images, only(flip=0.3), random())
    flipped = abs(sometimes.astype(int) - images[:, :, ::-1]).max(axis=(1, 2)) <= 1
    assert flipped.mean() == pytest.approx(0.3, abs=0.08)


def test_rotation_turns_around_the_middle_by_up_to_its_angle() -> None:
    image, radius = spot()
    angle = np.degrees(np.arctan2(*place_of(image[0])[::-1]))
    turned = augment(np.repeat(image, 200, axis=0), only(rotation_deg=30), random())
    places = np.array([place_of(one) for one in turned])
    np.testing.assert_allclose(np.hypot(*places.T), radius, atol=0.4)
    angles = np.degrees(np.arctan2(places[:, 1], places[:, 0])) - angle
    assert abs(angles).max() <= 32
    assert angles.min() < -20
    assert angles.max() > 20


def test_zoom_scales_from_the_middle() -> None:
    image, radius = spot()
    scaled = augment(np.repeat(image, 200, axis=0), only(zoom=0.2), random())
    scale = np.array([np.hypot(*place_of(one)) for one in scaled]) / radius
    assert scale.min() == pytest.approx(0.8, abs=0.05)
    assert scale.max() == pytest.approx(1.2, abs=0.05)


def test_shift_moves_by_up_to_its_share_of_the_side() -> None:
    image, _ = spot()
    moved = augment(np.repeat(image, 200, axis=0), only(shift=0.1), random())
    far = np.array([place_of(one) for one in moved]) - place_of(image[0])
    for axis in range(2):
        assert far[:, axis].min() == pytest.approx(-4.8, abs=0.5)
        assert far[:, axis].max() == pytest.approx(4.8, abs=0.5)


def test_light_changes_brightness_and_contrast_within_its_share() -> None:
    image = faces(1)
    changed = augment(np.repeat(image, 300, axis=0), only(light=0.2), random()).astype(float)
    brightness = changed.mean(axis=(1, 2)) - image.mean()
    contrast = changed.std(axis=(1, 2)) / image.std()
    assert abs(brightness).max() <= 0.2 * 128 + 1
    assert abs(brightness).max() > 20
    assert (contrast.min(), contrast.max()) == (pytest.approx(0.8, abs=0.03), pytest.approx(1.2, abs=0.03))


def test_light_never_wraps_around() -> None:
    image = np.zeros((50, 24, 24), np.uint8)
    image[:, :, 12:] = 255
    changed = augment(image, only(light=1), random()).astype(int)
    assert (changed[:, :, 12:].min(axis=(1, 2)) >= changed[:, :, :12].max(axis=(1, 2))).all()


def test_blur_takes_away_detail_and_keeps_the_mean() -> None:
    images = random().integers(0, 256, (20, 48, 48), np.uint8)
    blurred = augment(images, only(blur=1), random())
    assert (blurred.std(axis=(1, 2)) < 0.9 * images.std(axis=(1, 2))).all()
    np.testing.assert_allclose(blurred.mean(axis=(1, 2)), images.mean(axis=(1, 2)), atol=3)


def test_noise_is_gaussian_of_up_to_12_grey_values() -> None:
    images = np.full((200, 48, 48), 128, np.uint8)
    spread = augment(images, only(noise=1), random()).astype(float).std(axis=(1, 2))
    assert spread.max() <= 12.6
    assert spread.max() > 11
    assert spread.min() < 2


def test_erase_covers_one_rectangle_of_up_to_a_third() -> None:
    images = np.full((200, 48, 48), 128, np.uint8)
    erased = augment(images, only(erase=1), random())
    heights, values = [], []
    for image in erased:
        rows, columns = np.nonzero(abs(image.astype(int) - 128) > 1)
        if len(rows):
            height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
            assert len(rows) == height * width
            assert len(set(image[rows, columns])) == 1
            heights.append(max(height, width))
            values.append(image[rows[0], columns[0]])
    assert len(heights) > 180
    assert 48 / 8 <= max(heights) <= 48 / 3
    assert np.ptp(np.array(values, int)) > 200


@pytest.mark.parametrize("name", ["blur", "noise", "erase"])
def test_probabilities_are_kept(name: str) -> None:
    images = np.repeat(random().integers(60, 200, (1, 48, 48), np.uint8), 300, axis=0)
    changed = augment(images, only(**{name: 0.4}), random())
    share = (abs(changed.astype(int) - images).max(axis=(1, 2)) > 1).mean()
    assert share == pytest.approx(0.4, abs=0.08)


@pytest.mark.parametrize("bad", [{"flip": 1.5}, {"rotation_deg": -1}, {"zoom": -0.1}, {"spin": 1}])
def test_impossible_choices(bad: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Augmentation(**bad)  # type: ignore[arg-type]
