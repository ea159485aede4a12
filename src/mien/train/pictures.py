"""Where the pictures of a batch are kept and changed: in the processor's memory, or on a graphics card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mien.train.augment import Augmentation, Moves, augment_and_tell, movements
from mien.train.data.negatives import Negatives

Grey = NDArray[np.uint8]
Images = Any
"""(n, size, size): a uint8 array, or a float32 tensor on the card, from 0 to 255."""

_POOL = 8192
"""Pictures without a face that are made for the card once; drawing each one anew would keep it waiting."""
_BLUR_SIZES = 4
"""How many sizes a batch on the card is shrunk to for blur; each face has one of them."""
_BLOCK = 8
_LUMINANCE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61], [12, 12, 14, 19, 26, 58, 60, 55], [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62], [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92], [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.float32,
)  # fmt: skip
"""JPEG's table for brightness (ITU-T T.81, table K.1)."""


class Pictures(Protocol):
    """Training's faces, and what is done to them; `random` is the one source of chance of all methods."""

    def change(
        self, places: NDArray[np.int64], chosen: Augmentation, random: np.random.Generator
    ) -> tuple[Images, Moves]:
        """Change the faces at these places as `augment_and_tell` does."""

    def blend(self, images: Images, other: NDArray[np.int64], share: NDArray[np.float32]) -> Images:
        """Lay over each of the first images another of them, by shares (n, 1) of the first."""

    def without_face(self, count: int, random: np.random.Generator) -> Images:
        """Return pictures without a usable face."""

    def join(self, parts: Sequence[Images]) -> Images:
        """Put images behind one another."""

    def put(self, arrays: dict[str, NDArray[np.float32]]) -> dict[str, Any]:
        """Bring targets or weights to where the images are."""


class HostPictures:
    """Pictures in the processor's memory, changed by OpenCV.

    Args:
        images: (n, size, size) uint8, training's faces.
        negatives: makes pictures without a face; None where none are asked for.
    """

    def __init__(self, images: Grey, negatives: Negatives | None = None) -> None:
        self._images, self._negatives = images, negatives

    def change(
        self, places: NDArray[np.int64], chosen: Augmentation, random: np.random.Generator
    ) -> tuple[Grey, Moves]:
        """See `Pictures`."""
        return augment_and_tell(self._images[places], chosen, random)

    def blend(self, images: Grey, other: NDArray[np.int64], share: NDArray[np.float32]) -> Grey:
        """See `Pictures`."""
        first, second = images[: len(other)].astype(np.float32), images[other].astype(np.float32)
        blended = images.copy()
        blended[: len(other)] = np.rint(share[:, :, None] * first + (1 - share[:, :, None]) * second)
        return blended

    def without_face(self, count: int, random: np.random.Generator) -> Grey:
        """See `Pictures`."""
        if self._negatives is None:
            raise ValueError("expected no picture without a face to be asked for, as nothing makes them")
        return self._negatives.make(count, self._images, random)

    def join(self, parts: Sequence[Grey]) -> Grey:
        """See `Pictures`."""
        return np.concatenate(parts)

    def put(self, arrays: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """See `Pictures`."""
        return arrays


class DevicePictures:
    """Pictures on a graphics card, changed there, all at once, by torch.

    The same changes as OpenCV's, but for three that differ in form: blur shrinks to one of four sizes a
    batch, pictures without a face come from a pool, and values are not rounded to whole grey values.

    Args:
        images: (n, size, size) uint8, training's faces.
        negatives: makes pictures without a face; None where none are asked for.
        device: torch's name of it.
    """

    def __init__(self, images: Grey, negatives: Negatives | None, device: str) -> None:
        import torch

        self._torch, self._device = torch, device
        self._images = torch.from_numpy(images).to(device)
        pool = images[:0]
        if negatives is not None:
            pool = negatives.make(min(_POOL, 4 * len(images)), images, np.random.default_rng(0))
        self._pool = torch.from_numpy(pool).to(device)
        self._side = images.shape[1]
        self._cosines = self._put(_cosines())
        self._table = self._put(_LUMINANCE)

    def change(
        self, places: NDArray[np.int64], chosen: Augmentation, random: np.random.Generator
    ) -> tuple[Images, Moves]:
        """See `Pictures`."""
        moves = movements(len(places), self._side, chosen, random)
        images = self._images[self._torch.from_numpy(places).to(self._device)].float()
        if not len(places):
            return images, moves
        images = self._warped(images, moves, chosen)
        images = self._blurred(images, chosen.blur, random)
        images = self._lit(images, chosen.light, random)
        images = self._noisy(images, chosen.noise, random)
        images = self._erased(images, chosen.erase, random)
        images = self._shaded(images, chosen.shade, random).clamp(0, 255)
        return self._compressed(images, chosen.compress, random), moves

    def blend(self, images: Images, other: NDArray[np.int64], share: NDArray[np.float32]) -> Images:
        """See `Pictures`."""
        part = self._put(share)[:, :, None]
        second = images[self._torch.from_numpy(other).to(self._device)]
        return self.join([part * images[: len(other)] + (1 - part) * second, images[len(other) :]])

    def without_face(self, count: int, random: np.random.Generator) -> Images:
        """See `Pictures`."""
        places = self._torch.from_numpy(random.integers(0, len(self._pool), count)).to(self._device)
        return self._pool[places].float()

    def join(self, parts: Sequence[Images]) -> Images:
        """See `Pictures`."""
        return self._torch.cat(list(parts))

    def put(self, arrays: dict[str, NDArray[np.float32]]) -> dict[str, Any]:
        """See `Pictures`."""
        return {name: self._put(array) for name, array in arrays.items()}

    def _put(self, array: NDArray[Any]) -> Any:
        return self._torch.from_numpy(np.ascontiguousarray(array, np.float32)).to(self._device)

    def _warped(self, images: Images, moves: Moves, chosen: Augmentation) -> Images:
        """`cv2.warpAffine` with replicated borders; torch counts places from -1 to 1, from edge to edge."""
        back = np.linalg.inv(moves[:, :, :2])
        middle = (self._side - 1) / 2
        offset = -np.einsum("nij,nj->ni", back, moves[:, :, 2])
        offset += back @ np.full(2, middle) - middle
        theta = np.concatenate([back, offset[:, :, None] / (self._side / 2)], axis=2)
        functional = self._torch.nn.functional
        grid = functional.affine_grid(
            self._put(theta), [len(images), 1, self._side, self._side], align_corners=False
        )
        mode = "bicubic" if chosen.interpolation == "cubic" else "bilinear"
        warped = functional.grid_sample(
            images[:, None], grid, mode=mode, padding_mode="border", align_corners=False
        )
        return warped[:, 0].clamp(0, 255)

    def _blurred(self, images: Images, probability: float, random: np.random.Generator) -> Images:
        if not probability:
            return images
        functional, sizes = self._torch.nn.functional, random.uniform(0.45, 0.9, _BLUR_SIZES)
        which = np.where(
            random.random(len(images)) < probability, random.integers(0, _BLUR_SIZES, len(images)), -1
        )
        images = images.clone()
        for number, share in enumerate(sizes):
            places = self._torch.from_numpy(np.flatnonzero(which == number)).to(self._device)
            if len(places):
                area = self._put(_areas(int(share * self._side), self._side))
                small = (area @ images[places] @ area.T)[:, None]
                large = functional.interpolate(small, size=self._side, mode="bilinear", align_corners=False)
                images[places] = large[:, 0]
        return images

    def _lit(self, images: Images, far: float, random: np.random.Generator) -> Images:
        contrast = self._put(1 + random.uniform(-far, far, (len(images), 1, 1)))
        brightness = self._put(random.uniform(-far, far, (len(images), 1, 1)) * 128)
        mean = images.mean(dim=(1, 2), keepdim=True)
        return (images - mean) * contrast + mean + brightness

    def _noisy(self, images: Images, probability: float, random: np.random.Generator) -> Images:
        if not probability:
            return images
        chosen = random.random((len(images), 1, 1)) < probability
        strength = self._put(chosen * random.uniform(1, 12, (len(images), 1, 1)))
        source = self._torch.Generator(self._device).manual_seed(int(random.integers(2**62)))
        noise = self._torch.randn(images.shape, generator=source, device=self._device)
        return images + strength * noise

    def _erased(self, images: Images, probability: float, random: np.random.Generator) -> Images:
        if not probability:
            return images
        size, count = self._side, len(images)
        extent = random.integers(size // 8, size // 3, (2, count))
        first = np.floor(random.random((2, count)) * (size - extent)).astype(np.int64)
        is_chosen = random.random(count) < probability
        places = self._torch.arange(size, device=self._device)
        start, end = (self._torch.from_numpy(part).to(self._device) for part in (first, first + extent))
        rows, columns = ((places >= start[axis, :, None]) & (places < end[axis, :, None]) for axis in (0, 1))
        mask = rows[:, :, None] & columns[:, None, :]
        mask &= self._torch.from_numpy(is_chosen).to(self._device)[:, None, None]
        grey = self._put(random.uniform(0, 255, (count, 1, 1)))
        return self._torch.where(mask, grey, images)

    def _shaded(self, images: Images, probability: float, random: np.random.Generator) -> Images:
        if not probability:
            return images
        count = len(images)
        angle = random.uniform(0, 2 * np.pi, (count, 1, 1))
        depth = self._put(
            random.uniform(0.2, 0.67, (count, 1, 1)) * (random.random((count, 1, 1)) < probability)
        )
        across = self._torch.linspace(-0.5, 0.5, self._side, device=self._device)
        slope = (
            self._put(np.cos(angle)) * across[None, None] + self._put(np.sin(angle)) * across[None, :, None]
        )
        return images * (1 - depth * (slope + 0.5).clamp(0, 1))

    def _compressed(self, images: Images, probability: float, random: np.random.Generator) -> Images:
        """Lose what JPEG loses: cosines of blocks of 8x8, rounded by the table for the quality."""
        if not probability:
            return images
        chosen = np.flatnonzero(random.random(len(images)) < probability)
        quality = random.integers(15, 70, len(chosen)).astype(np.float32)
        scale = self._put(np.where(quality < 50, 5000 / quality, 200 - 2 * quality))[
            :, None, None, None, None
        ]
        places = self._torch.from_numpy(chosen).to(self._device)
        images = images.clone()
        images[places] = self._through_jpeg(images[places], scale)
        return images

    def _through_jpeg(self, images: Images, scale: Any) -> Images:
        side = self._side
        more, cells = -side % _BLOCK, -(-side // _BLOCK)
        whole = self._torch.nn.functional.pad(images[:, None], (0, more, 0, more), mode="replicate")[:, 0]
        count, table = len(images), ((self._table * scale + 50) / 100).floor().clamp(1, 255)
        blocks = (whole.round() - 128).reshape(count, cells, _BLOCK, cells, _BLOCK).transpose(2, 3)
        waves = self._cosines @ blocks @ self._cosines.T
        kept = (waves / table).round() * table
        back = (self._cosines.T @ kept @ self._cosines).transpose(2, 3).reshape(whole.shape)
        return (back[:, :side, :side] + 128).round().clamp(0, 255)


def _areas(small: int, large: int) -> NDArray[np.float64]:
    """Return (small, large) what a row's new pixels take of the old when it shrinks: OpenCV's INTER_AREA."""
    edges, pixels = np.arange(small + 1)[:, None] * (large / small), np.arange(large)[None]
    overlap = np.minimum(edges[1:], pixels + 1) - np.maximum(edges[:-1], pixels)
    return np.asarray(overlap.clip(0) * (small / large))


def _cosines() -> NDArray[np.float64]:
    """The orthonormal discrete cosine transform of 8 values, (8, 8) (ITU-T T.81, A.3.3)."""
    place = np.arange(_BLOCK)
    waves = np.cos((2 * place[None] + 1) * place[:, None] * np.pi / (2 * _BLOCK)) * np.sqrt(2 / _BLOCK)
    waves[0] /= np.sqrt(2)
    return np.asarray(waves)
