"""The twenty object kinds, as lists of polygons in unit coordinates.

A silhouette is a list of parts drawn in order on a canvas where x runs right and y runs down, both from -1 to 1.
A part is `(role, points)`:

* "body"   fills the object's mask,
* "cut"    erases from it (the hole of a ring),
* "detail" marks an area of the body that is painted in the second colour (a door, an eye).

Every kind draws some of its proportions from the random generator it is given, so that a class is a family of shapes
and not one stencil: a network that memorises one outline does badly.
"""

import math

import numpy as np

Part = tuple[str, np.ndarray]


def _polygon(*points: tuple[float, float]) -> np.ndarray:
    return np.array(points, dtype=np.float64)


def _box(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    return _polygon((left, top), (right, top), (right, bottom), (left, bottom))


def _ellipse(cx: float, cy: float, rx: float, ry: float, start: float = 0.0, end: float = 360.0) -> np.ndarray:
    """An ellipse, or with `start` and `end` in degrees the segment of it between two angles (0 is right, 90 is down)."""
    angles = np.radians(np.linspace(start, end, 41))
    return np.stack([cx + rx * np.cos(angles), cy + ry * np.sin(angles)], axis=1)


def _ring(rng) -> list[Part]:
    hole = rng.uniform(0.45, 0.68)
    return [("body", _ellipse(0, 0, 0.95, 0.95)), ("cut", _ellipse(0, 0, hole, hole))]


def _gear(rng) -> list[Part]:
    teeth, root, hole = int(rng.integers(7, 12)), rng.uniform(0.66, 0.76), rng.uniform(0.22, 0.42)
    points = []
    for tooth in range(teeth):
        for step, radius in ((0.0, root), (0.15, 0.98), (0.45, 0.98), (0.6, root)):
            angle = 2 * math.pi * (tooth + step) / teeth
            points.append((radius * math.cos(angle), radius * math.sin(angle)))
    return [("body", _polygon(*points)), ("cut", _ellipse(0, 0, hole, hole))]


def _star(rng) -> list[Part]:
    inner = rng.uniform(0.36, 0.5)
    radii = [1.0, inner] * 5
    angles = [-math.pi / 2 + index * math.pi / 5 for index in range(10)]
    return [("body", _polygon(*[(r * math.cos(a), r * math.sin(a)) for r, a in zip(radii, angles)]))]


def _cross(rng) -> list[Part]:
    half = rng.uniform(0.2, 0.36)
    return [("body", _box(-half, -0.95, half, 0.95)), ("body", _box(-0.95, -half, 0.95, half))]


def _arrow(rng) -> list[Part]:
    shaft, neck, head = rng.uniform(0.16, 0.28), rng.uniform(-0.05, 0.25), rng.uniform(0.6, 0.8)
    return [("body", _box(-0.98, -shaft, neck + 0.05, shaft)), ("body", _polygon((neck, -head), (1, 0), (neck, head)))]


def _mug(rng) -> list[Part]:
    rim, foot, grip = rng.uniform(0.5, 0.62), rng.uniform(0.42, 0.6), rng.uniform(0.4, 0.5)
    return [
        ("body", _ellipse(0.42, 0.0, 0.52, grip)),
        ("cut", _ellipse(0.42, 0.0, 0.33, grip - 0.2)),
        ("body", _polygon((-0.3 - rim, -0.82), (rim - 0.1, -0.82), (foot - 0.1, 0.82), (-0.3 - foot, 0.82))),
        ("detail", _ellipse(-0.2, -0.7, rim - 0.02, 0.13)),
    ]


def _fish(rng) -> list[Part]:
    height, tail = rng.uniform(0.36, 0.55), rng.uniform(0.35, 0.55)
    return [
        ("body", _ellipse(0.2, 0, 0.76, height)),
        ("body", _polygon((-0.35, 0), (-0.98, -tail), (-0.8, 0), (-0.98, tail))),
        ("body", _polygon((0.0, -height * 0.8), (0.1, -height - 0.28), (0.45, -height * 0.7))),
        ("detail", _ellipse(0.65, -0.1, 0.1, 0.1)),
    ]


def _house(rng) -> list[Part]:
    wall, eaves, chimney = rng.uniform(0.58, 0.72), rng.uniform(-0.25, 0.0), rng.uniform(0.25, 0.45)
    return [
        ("body", _box(chimney, -0.85, chimney + 0.2, eaves)),
        ("body", _polygon((-0.95, eaves), (0, -0.95), (0.95, eaves))),
        ("body", _box(-wall, eaves - 0.02, wall, 0.9)),
        ("detail", _box(-0.42, 0.3, -0.08, 0.9)),
        ("detail", _box(0.15, 0.15, 0.48, 0.48)),
    ]


def _tree(rng) -> list[Part]:
    trunk, width = rng.uniform(0.1, 0.18), rng.uniform(0.55, 0.75)
    tiers = [
        ("body", _polygon((-width * share, base), (0, top), (width * share, base)))
        for share, top, base in ((0.6, -1.0, -0.3), (0.8, -0.65, 0.15), (1.0, -0.25, 0.6))
    ]
    return [("body", _box(-trunk, 0.5, trunk, 1.0)), ("detail", _box(-trunk, 0.6, trunk, 1.0)), *tiers]


def _key(rng) -> list[Part]:
    bow, shaft, bit = rng.uniform(0.36, 0.45), rng.uniform(0.09, 0.13), rng.uniform(0.28, 0.4)
    return [
        ("body", _ellipse(-0.55, 0, bow, bow)),
        ("cut", _ellipse(-0.6, 0, bow - 0.2, bow - 0.2)),
        ("body", _box(-0.2, -shaft, 0.98, shaft)),
        ("body", _box(0.8, 0, 0.98, bit)),
        ("body", _box(0.5, 0, 0.66, bit * 0.85)),
    ]


def _heart(rng) -> list[Part]:
    angle, squash = np.linspace(0, 2 * math.pi, 48), rng.uniform(0.85, 1.05)
    x = 16 * np.sin(angle) ** 3
    y = -(13 * np.cos(angle) - 5 * np.cos(2 * angle) - 2 * np.cos(3 * angle) - np.cos(4 * angle))
    return [("body", np.stack([x / 17, (y - 2.5) / 15 * squash], axis=1))]


def _crescent(rng) -> list[Part]:
    shift = rng.uniform(0.32, 0.5)
    return [("body", _ellipse(0, 0, 0.95, 0.95)), ("cut", _ellipse(shift, 0, 0.8, 0.8))]


def _bolt(rng) -> list[Part]:
    lean = rng.uniform(-0.08, 0.12)
    return [("body", _polygon((0.25 + lean, -1), (-0.55, 0.15), (-0.08, 0.15), (-0.3 - lean, 1), (0.55, -0.2), (0.08, -0.2)))]


def _cloud(rng) -> list[Part]:
    peak, left = rng.uniform(0.42, 0.52), rng.uniform(0.32, 0.4)
    return [
        ("body", _ellipse(0.05, -0.15, peak, peak)),
        ("body", _ellipse(-0.5, 0.15, left, left)),
        ("body", _ellipse(0.58, 0.18, 0.36, 0.34)),
        ("body", _box(-0.5, 0.1, 0.58, 0.52)),
    ]


def _hammer(rng) -> list[Part]:
    handle, head, claw = rng.uniform(0.1, 0.16), rng.uniform(0.18, 0.26), rng.uniform(0.55, 0.75)
    return [
        ("body", _box(-handle, -0.6, handle, 1.0)),
        ("detail", _box(-handle, -0.3, handle, 1.0)),
        ("body", _box(-0.3, -0.7 - head, 0.6, -0.7 + head)),
        ("body", _polygon((-0.3, -0.7 - head), (-0.3, -0.7 + head), (-claw - 0.15, -0.35))),
    ]


def _bottle(rng) -> list[Part]:
    body, neck, shoulder = rng.uniform(0.32, 0.44), rng.uniform(0.11, 0.17), rng.uniform(-0.35, -0.05)
    return [
        ("body", _box(-neck, -1.0, neck, shoulder)),
        ("body", _polygon((-neck, shoulder - 0.25), (neck, shoulder - 0.25), (body, shoulder + 0.1), (-body, shoulder + 0.1))),
        ("body", _box(-body, shoulder + 0.08, body, 1.0)),
        ("detail", _box(-body, 0.25, body, 0.7)),
    ]


def _leaf(rng) -> list[Part]:
    width = rng.uniform(0.36, 0.52)
    along = np.linspace(0, 1, 24)
    bulge = width * np.sin(math.pi * along ** 0.85)
    y = 1.0 - 0.35 - 1.65 * along
    outline = np.concatenate([np.stack([bulge, y], 1), np.stack([-bulge, y], 1)[::-1]])
    return [("body", outline), ("body", _box(-0.06, 0.55, 0.06, 1.0)), ("detail", _box(-0.05, -0.8, 0.05, 0.65))]


def _butterfly(rng) -> list[Part]:
    upper, lower = rng.uniform(0.38, 0.48), rng.uniform(0.28, 0.38)
    wings = [
        ("body", _ellipse(side * cx, cy, r, r * 1.1)) for side in (-1, 1) for cx, cy, r in ((0.5, -0.38, upper), (0.42, 0.42, lower))
    ]
    return [*wings, ("body", _ellipse(0, 0, 0.12, 0.75)), ("detail", _ellipse(0, 0, 0.12, 0.75))]


def _anchor(rng) -> list[Part]:
    shank, bar, reach = rng.uniform(0.08, 0.12), rng.uniform(0.38, 0.52), rng.uniform(0.7, 0.85)
    return [
        ("body", _ellipse(0, 0.25, reach, 0.72, 10, 170)),
        ("cut", _ellipse(0, 0.2, reach - 0.22, 0.48, -10, 190)),
        ("body", _ellipse(0, -0.75, 0.24, 0.24)),
        ("cut", _ellipse(0, -0.75, 0.11, 0.11)),
        ("body", _box(-shank, -0.55, shank, 0.95)),
        ("body", _box(-bar, -0.42, bar, -0.24)),
    ]


def _mushroom(rng) -> list[Part]:
    stem, cap = rng.uniform(0.2, 0.32), rng.uniform(0.8, 1.0)
    return [
        ("body", _polygon((-stem, -0.1), (stem, -0.1), (stem * 1.25, 0.92), (-stem * 1.25, 0.92))),
        ("body", _ellipse(0, 0.05, 0.95, cap, 180, 360)),
        ("detail", _ellipse(-0.4, -0.3, 0.15, 0.15)),
        ("detail", _ellipse(0.3, -0.4, 0.18, 0.18)),
    ]


# The order is the class index: never reorder, only append.
OBJECT_KINDS = {
    "ring": _ring,
    "gear": _gear,
    "star": _star,
    "cross": _cross,
    "arrow": _arrow,
    "mug": _mug,
    "fish": _fish,
    "house": _house,
    "tree": _tree,
    "key": _key,
    "heart": _heart,
    "crescent": _crescent,
    "bolt": _bolt,
    "cloud": _cloud,
    "hammer": _hammer,
    "bottle": _bottle,
    "leaf": _leaf,
    "butterfly": _butterfly,
    "anchor": _anchor,
    "mushroom": _mushroom,
}

CLASS_NAMES = tuple(OBJECT_KINDS)


def draw_parts(class_index: int, rng: np.random.Generator) -> list[Part]:
    """The parts of one random member of a class, in unit coordinates."""
    return OBJECT_KINDS[CLASS_NAMES[class_index]](rng)
