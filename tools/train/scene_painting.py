"""Paint for rendered scenes: masks, textures, backgrounds, clutter, light and sensor faults.

Nothing here knows about classes or labels, so that a later data set (detection, segmentation) can use the same paint.
Images are float32 arrays [H, W, 3] in 0..255, masks float32 [H, W] in 0..1. All randomness comes from the generator
passed in.
"""

import math

import numpy as np
from PIL import Image, ImageDraw

SUPERSAMPLE = 4


def polygon_mask(size: int, parts: list[tuple[np.ndarray, int]]) -> np.ndarray:
    """An antialiased mask from polygons in pixel coordinates, drawn in order; value 1 fills and value 0 erases."""
    canvas = Image.new("L", (size * SUPERSAMPLE, size * SUPERSAMPLE))
    pen = ImageDraw.Draw(canvas)
    for points, value in parts:
        pen.polygon([tuple(point) for point in (points * SUPERSAMPLE).tolist()], fill=255 * value)
    return np.asarray(canvas.reduce(SUPERSAMPLE), dtype=np.float32) / 255.0


def composite(image: np.ndarray, paint: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Lay `paint` over `image` where `mask` is 1."""
    return image + (paint - image) * mask[..., None]


def random_colour(rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(15, 240, 3).astype(np.float32)


def smooth_noise(size: int, cells: int, rng: np.random.Generator) -> np.ndarray:
    """Value noise in -1..1: a coarse random grid enlarged smoothly."""
    grid = Image.fromarray(rng.uniform(-1, 1, (cells, cells)).astype(np.float32))
    return np.asarray(grid.resize((size, size), Image.Resampling.BICUBIC), dtype=np.float32)


def _direction(size: int, rng: np.random.Generator) -> np.ndarray:
    """The coordinate along a random direction, in pixels, centred on the image."""
    angle = rng.uniform(0, 2 * math.pi)
    axis = np.arange(size, dtype=np.float32) - (size - 1) / 2
    return (axis[None, :] * math.cos(angle) + axis[:, None] * math.sin(angle)).astype(np.float32)


def texture(size: int, first: np.ndarray, second: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A whole image of one random texture mixing two colours: plain, stripes, checks, dots, blotches or a gradient."""
    kind = rng.integers(6)
    if kind == 0:
        mix = np.zeros((size, size), np.float32)
    elif kind == 1:
        mix = (np.sin(_direction(size, rng) * (2 * math.pi / rng.uniform(4, 12))) > rng.uniform(-0.4, 0.4)).astype(np.float32)
    elif kind == 2:
        period = rng.uniform(6, 14)
        mix = (np.sin(_direction(size, rng) * 2 * math.pi / period) * np.sin(_direction(size, rng) * 2 * math.pi / period) > 0)
    elif kind == 3:
        period = rng.uniform(5, 10)
        mix = np.cos(_direction(size, rng) * 2 * math.pi / period) + np.cos(_direction(size, rng) * 2 * math.pi / period) > 0.7
    elif kind == 4:
        mix = np.clip(smooth_noise(size, int(rng.integers(6, 20)), rng) * 1.5 + 0.5, 0, 1)
    else:
        mix = np.clip(_direction(size, rng) / size * 1.6 + 0.5, 0, 1)
    return first + (second - first) * np.asarray(mix, np.float32)[..., None]


def background(size: int, rng: np.random.Generator) -> np.ndarray:
    """A textured backdrop with blotches of a second scale, so that no background is flat."""
    first = random_colour(rng)
    second = np.clip(first + rng.uniform(-70, 70, 3), 5, 250).astype(np.float32)
    blotches = smooth_noise(size, int(rng.integers(3, 12)), rng) * rng.uniform(5, 30)
    return texture(size, first, second, rng) + blotches[..., None]


def _blob(size: int, rng: np.random.Generator, radius: tuple[float, float]) -> np.ndarray:
    """A random polygon of three to eight corners around a random centre: the shape of clutter."""
    corners = int(rng.integers(3, 9))
    angles = np.sort(rng.uniform(0, 2 * math.pi, corners))
    reach = rng.uniform(*radius) * rng.uniform(0.5, 1.0, corners)
    centre = rng.uniform(0, size, 2)
    return np.stack([centre[0] + reach * np.cos(angles), centre[1] + reach * np.sin(angles)], axis=1)


def bar(size: int, rng: np.random.Generator, width: tuple[float, float], through: np.ndarray) -> np.ndarray:
    """A straight bar across the image that passes through one given point."""
    angle, half = rng.uniform(0, math.pi), rng.uniform(*width) / 2
    along = np.array([math.cos(angle), math.sin(angle)]) * size * 1.5
    across = np.array([-math.sin(angle), math.cos(angle)]) * half
    return np.stack([through - along - across, through + along - across, through + along + across, through - along + across])


def add_clutter(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Scatter textured polygons and a few bars over the backdrop."""
    size = image.shape[0]
    for _ in range(int(rng.integers(3, 10))):
        if rng.random() < 0.3:
            shape = bar(size, rng, (1.0, 5.0), rng.uniform(0, size, 2))
        else:
            shape = _blob(size, rng, (4.0, 18.0))
        paint = texture(size, random_colour(rng), random_colour(rng), rng)
        image = composite(image, paint, polygon_mask(size, [(shape, 1)]) * rng.uniform(0.5, 1.0))
    return image


def light(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Uneven light: a gradient across the scene, an exposure error and a colour cast."""
    size = image.shape[0]
    slope = 1.0 + _direction(size, rng) / size * rng.uniform(0.0, 0.9)
    cast = rng.uniform(0.85, 1.15, 3).astype(np.float32)
    return image * slope[..., None] * cast * np.float32(rng.uniform(0.7, 1.15))


def blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """Separable Gaussian blur with edge padding; written out so that its result does not hang on a library version."""
    if sigma < 0.15:
        return image
    reach = int(math.ceil(3 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel = (kernel / kernel.sum()).astype(np.float32)
    for axis in (0, 1):
        widths = [(reach, reach) if index == axis else (0, 0) for index in range(image.ndim)]
        padded = np.pad(image, widths, mode="edge")
        length = image.shape[axis]
        image = sum(weight * np.take(padded, range(start, start + length), axis=axis) for start, weight in enumerate(kernel))
    return image


def add_sensor_noise(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise, mostly grey with a little colour, of a strength drawn per image."""
    strength = rng.uniform(1.0, 10.0)
    grey = rng.standard_normal((*image.shape[:2], 1), dtype=np.float32)
    colour = rng.standard_normal(image.shape, dtype=np.float32)
    return image + strength * (0.85 * grey + 0.5 * colour)
