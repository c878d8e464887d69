"""Placing and painting one textured object: what the classification and the detection scenes have in common."""

import math

import numpy as np

import scene_painting as scene
from object_silhouettes import draw_parts


def _place(rng: np.random.Generator, radius: float, centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A random similarity with some stretch, shear and mirroring, as (matrix, offset) from unit to pixel coordinates."""
    angle = rng.uniform(-1, 1) * math.radians(75)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    stretch = np.diag([rng.uniform(0.8, 1.1) * rng.choice([-1, 1]), rng.uniform(0.8, 1.1)])
    shear = np.array([[1.0, rng.uniform(-0.25, 0.25)], [0.0, 1.0]])
    return turn @ shear @ stretch * radius, centre


def object_masks(
    size: int, class_index: int, rng: np.random.Generator, radius: float, centre: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The mask of one placed object and the mask of its details."""
    matrix, offset = _place(rng, radius, centre)
    placed = [(role, points @ matrix.T + offset) for role, points in draw_parts(class_index, rng)]
    body = scene.polygon_mask(size, [(points, int(role == "body")) for role, points in placed if role != "detail"])
    detail = scene.polygon_mask(size, [(points, 1) for role, points in placed if role == "detail"])
    return body, detail * body


def _contrasting_colour(image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A colour that differs from what the object will cover: sometimes barely, so that some objects are hard to see."""
    behind = (image * mask[..., None]).sum((0, 1)) / max(mask.sum(), 1.0)
    wanted = rng.uniform(85, 200)
    for _ in range(20):
        colour = scene.random_colour(rng)
        if np.linalg.norm(colour - behind) > wanted:
            break
    return colour


def paint_object(image: np.ndarray, body: np.ndarray, detail: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Lay one textured object, with a soft shadow in half of the cases, on the image."""
    if rng.random() < 0.5:
        dx, dy = rng.integers(-3, 4, 2)
        shadow = scene.blur(np.roll(body, (dy, dx), (0, 1)), 1.2)
        image = image * (1 - 0.5 * shadow[..., None])
    colour = _contrasting_colour(image, body, rng)
    second = np.clip(colour + rng.uniform(-60, 60, 3), 5, 250).astype(np.float32)
    image = scene.composite(image, scene.texture(len(image), colour, second, rng), body)
    if rng.random() < 0.75:
        image = scene.composite(image, np.broadcast_to(scene.random_colour(rng), image.shape), detail * rng.uniform(0.4, 1.0))
    return image
