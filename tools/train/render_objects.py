"""Render the objects data set: 64x64 RGB images of twenty kinds of textured objects on cluttered backgrounds.

Each image has a generator of its own, seeded by (seed, split, index), so any image can be rendered alone, in any order
and on any number of processes, with the same result. Every image, training included, is kept as the JPEG it would be
shipped as, so that training and evaluation see the same compression.

    python render_objects.py ship --out ../../test-models/objects-cnn      the shipped zips and labels.csv
    python render_objects.py preview --out preview.png                     a contact sheet, to look at
"""

import argparse
import csv
import io
import math
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

import scene_painting as scene
from fixed_zip import write_fixed_zip
from object_painting import object_masks, paint_object
from object_silhouettes import CLASS_NAMES

SIZE = 64
SEED = 20240
JPEG_QUALITY = 92
SPLITS = {"train": 0, "validation": 1, "calibration": 2, "evaluation": 3}
CALIBRATION_COUNT = 100
EVALUATION_COUNT = 400
MAX_OCCLUDED = 0.35


def class_of(index: int) -> int:
    """Classes go round by index, so every prefix of a split is as balanced as it can be."""
    return index % len(CLASS_NAMES)


def _add_small_objects(image: np.ndarray, rng: np.random.Generator, radius: float, centre: np.ndarray) -> np.ndarray:
    """Distractors: up to two objects of any class, well under half the size of the labelled one and away from its middle."""
    for _ in range(int(rng.choice([0, 1, 2], p=[0.65, 0.25, 0.1]))):
        angle = rng.uniform(0, 2 * math.pi)
        place = centre + radius * rng.uniform(0.9, 1.4) * np.array([math.cos(angle), math.sin(angle)])
        body, detail = object_masks(SIZE, int(rng.integers(len(CLASS_NAMES))), rng, radius * rng.uniform(0.25, 0.4), place)
        image = paint_object(image, body, detail, rng)
    return image


def _occlude(image: np.ndarray, body: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cover part of the object with bars, never more than MAX_OCCLUDED of its area in total."""
    ys, xs = np.nonzero(body > 0.5)
    if len(xs) == 0:
        return image
    covered = np.zeros_like(body)
    for _ in range(int(rng.choice([0, 1, 2], p=[0.45, 0.4, 0.15]))):
        pick = int(rng.integers(len(xs)))
        shape = scene.bar(SIZE, rng, (2.0, 9.0), np.array([xs[pick], ys[pick]], dtype=np.float64))
        mask = scene.polygon_mask(SIZE, [(shape, 1)])
        paint = scene.texture(SIZE, scene.random_colour(rng), scene.random_colour(rng), rng)
        if (np.maximum(covered, mask) * body).sum() <= MAX_OCCLUDED * body.sum():
            covered = np.maximum(covered, mask)
            image = scene.composite(image, paint, mask)
    return image


def render_scene(class_index: int, rng: np.random.Generator) -> np.ndarray:
    """One finished image, uint8 [64, 64, 3]."""
    radius = rng.uniform(16.0, 28.0)
    centre = SIZE / 2 + rng.uniform(-1, 1, 2) * (34.0 - radius) * 0.7
    image = scene.add_clutter(scene.background(SIZE, rng), rng)
    image = _add_small_objects(image, rng, radius, centre)
    body, detail = object_masks(SIZE, class_index, rng, radius, centre)
    image = _occlude(paint_object(image, body, detail, rng), body, rng)
    image = scene.blur(scene.light(image, rng), rng.uniform(0.0, 1.0))
    return np.clip(np.rint(scene.add_sensor_noise(image, rng)), 0, 255).astype(np.uint8)


def render_jpeg(split: str, index: int) -> bytes:
    """Image `index` of a split as a baseline JPEG.

    Chroma is not subsampled: decoders differ in how they enlarge subsampled chroma, and these files are used to compare
    runtimes, where a difference between decoders would only get in the way.
    """
    pixels = render_scene(class_of(index), np.random.default_rng([SEED, SPLITS[split], index]))
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=JPEG_QUALITY, subsampling=0, optimize=True)
    return data.getvalue()


def decode(jpeg: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"))


def _render_pixels(split: str, index: int) -> np.ndarray:
    return decode(render_jpeg(split, index))


def render_split(split: str, count: int, workers: int) -> tuple[np.ndarray, np.ndarray]:
    """The first `count` images of a split after a trip through JPEG, uint8 [N, 64, 64, 3], and their classes."""
    with ProcessPoolExecutor(workers) as pool:
        images = np.stack(list(pool.map(partial(_render_pixels, split), range(count), chunksize=128)))
    return images, np.array([class_of(index) for index in range(count)])


def write_shipped_files(out: Path) -> None:
    """Write calibration.zip, evaluation.zip and labels.csv."""
    calibration = [(f"calib_{index:03d}.jpg", render_jpeg("calibration", index)) for index in range(CALIBRATION_COUNT)]
    evaluation = [(f"eval_{index:04d}.jpg", render_jpeg("evaluation", index)) for index in range(EVALUATION_COUNT)]
    out.mkdir(parents=True, exist_ok=True)
    write_fixed_zip(out / "calibration.zip", calibration)
    write_fixed_zip(out / "evaluation.zip", evaluation)
    with open(out / "labels.csv", "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["file", "class_index", "class_name"])
        for files in (evaluation, calibration):
            for index, (name, _) in enumerate(files):
                table.writerow([name, class_of(index), CLASS_NAMES[class_of(index)]])


def write_preview(out: Path, split: str, rows: int) -> None:
    """A contact sheet with one column for each class."""
    columns = len(CLASS_NAMES)
    sheet = Image.new("RGB", (columns * SIZE, rows * SIZE))
    for index in range(rows * columns):
        sheet.paste(Image.fromarray(_render_pixels(split, index)), (index % columns * SIZE, index // columns * SIZE))
    sheet.save(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["ship", "preview"])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--split", choices=SPLITS, default="train", help="preview only")
    parser.add_argument("--rows", type=int, default=8, help="preview only")
    arguments = parser.parse_args()
    if arguments.what == "ship":
        write_shipped_files(arguments.out)
    else:
        write_preview(arguments.out, arguments.split, arguments.rows)


if __name__ == "__main__":
    main()
