"""Render the scenes data set: 128x128 RGB images with one to six objects of eight kinds, and a box for each.

The same paint as the objects data set, and the same rule: an image has a generator of its own, seeded by
(seed, split, index), and goes through JPEG before anything sees it.

    python render_scenes.py ship --out ../../test-models/scenes-yolov3-tiny      the shipped zips and the two JSON files
    python render_scenes.py preview --out preview.png                           a contact sheet with boxes
"""

import argparse
import io
import json
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import object_silhouettes
import scene_painting as scene
from fixed_zip import write_fixed_zip
from object_painting import object_masks, paint_object

SIZE = 128
SEED = 20241
JPEG_QUALITY = 90
SPLITS = {"train": 0, "validation": 1, "calibration": 2, "evaluation": 3}
CLASS_NAMES = ("star", "mug", "fish", "house", "tree", "key", "heart", "arrow")
CALIBRATION_COUNT = 60
EVALUATION_COUNT = 250
MIN_VISIBLE = 0.65


def _free_place(rng: np.random.Generator, taken: list[tuple[np.ndarray, float]], radius: float) -> np.ndarray | None:
    """A centre whose disc hardly meets the discs already there; None when twelve tries find no room."""
    for _ in range(12):
        centre = rng.uniform(radius * 0.75, SIZE - radius * 0.75, 2)
        if all(np.linalg.norm(centre - other) > 0.85 * (radius + reach) for other, reach in taken):
            return centre
    return None


def _bounds(mask: np.ndarray) -> tuple[int, int, int, int] | None:
    """x, y, width, height of where a mask is set; None when it is not."""
    ys, xs = np.nonzero(mask)
    if len(xs) == 0:
        return None
    return int(xs.min()), int(ys.min()), int(xs.max() - xs.min() + 1), int(ys.max() - ys.min() + 1)


def render_scene(rng: np.random.Generator) -> tuple[np.ndarray, list[tuple[int, tuple[int, int, int, int]]]]:
    """One finished image, uint8 [128, 128, 3], and (class, (x, y, width, height)) of each object that counts.

    The box holds the object's whole outline within the image; an object of which later ones hide too much does not count.
    """
    image = scene.add_clutter(scene.background(SIZE, rng), rng)
    taken: list[tuple[np.ndarray, float]] = []
    bodies: list[tuple[int, np.ndarray]] = []
    for _ in range(int(rng.integers(1, 7))):
        radius = float(np.exp(rng.uniform(np.log(10.0), np.log(34.0))))
        centre = _free_place(rng, taken, radius)
        if centre is None:
            continue
        taken.append((centre, radius))
        kind = int(rng.integers(len(CLASS_NAMES)))
        silhouette = object_silhouettes.CLASS_NAMES.index(CLASS_NAMES[kind])
        body, detail = object_masks(SIZE, silhouette, rng, radius, centre)
        image = paint_object(image, body, detail, rng)
        bodies.append((kind, body > 0.5))
    boxes = []
    hidden = np.zeros((SIZE, SIZE), bool)
    for kind, body in reversed(bodies):
        visible, bounds = (body & ~hidden).sum(), _bounds(body)
        hidden |= body
        if bounds and visible >= MIN_VISIBLE * body.sum() and min(bounds[2:]) >= 6:
            boxes.append((kind, bounds))
    image = scene.blur(scene.light(image, rng), rng.uniform(0.0, 1.0))
    return np.clip(np.rint(scene.add_sensor_noise(image, rng)), 0, 255).astype(np.uint8), boxes[::-1]


def render_jpeg(split: str, index: int):
    """Image `index` of a split as a baseline JPEG without chroma subsampling, and its boxes."""
    pixels, boxes = render_scene(np.random.default_rng([SEED, SPLITS[split], index]))
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=JPEG_QUALITY, subsampling=0, optimize=True)
    return data.getvalue(), boxes


def _render_pixels(split: str, index: int):
    jpeg, boxes = render_jpeg(split, index)
    return np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB")), boxes


def render_split(split: str, count: int, workers: int):
    """The first `count` images of a split after a trip through JPEG, uint8 [N, 128, 128, 3], and the list of their boxes."""
    with ProcessPoolExecutor(workers) as pool:
        rows = list(pool.map(partial(_render_pixels, split), range(count), chunksize=64))
    return np.stack([pixels for pixels, _ in rows]), [boxes for _, boxes in rows]


def load_or_render(split: str, count: int, workers: int, cache: Path | None):
    """A split, from the cache file if there is one for just this split and count. Boxes as rows (image, class, x, y, w, h)."""
    file = cache / f"scenes-{split}-{count}.npz" if cache else None
    if file and file.exists():
        stored = np.load(file)
        return stored["images"], stored["boxes"]
    images, boxes = render_split(split, count, workers)
    rows = np.array([(index, kind, *box) for index, found in enumerate(boxes) for kind, box in found], np.int32)
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(file, images=images, boxes=rows)
    return images, rows


def coco_annotations(prefix: str, digits: int, boxes: list) -> dict:
    """The boxes in COCO's detection JSON; category ids count from 1."""
    annotations = []
    for index, found in enumerate(boxes):
        for kind, box in found:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": index,
                    "category_id": kind + 1,
                    "bbox": list(box),
                    "area": box[2] * box[3],
                    "iscrowd": 0,
                }
            )
    return {
        "images": [{"id": i, "file_name": f"{prefix}_{i:0{digits}d}.jpg", "width": SIZE, "height": SIZE} for i in range(len(boxes))],
        "categories": [{"id": kind + 1, "name": name} for kind, name in enumerate(CLASS_NAMES)],
        "annotations": annotations,
    }


def write_shipped_files(out: Path) -> None:
    """Write calibration.zip, evaluation.zip and evaluation.json. Calibration needs no boxes."""
    out.mkdir(parents=True, exist_ok=True)
    write_fixed_zip(
        out / "calibration.zip",
        [(f"calib_{index:03d}.jpg", render_jpeg("calibration", index)[0]) for index in range(CALIBRATION_COUNT)],
    )
    rendered = [render_jpeg("evaluation", index) for index in range(EVALUATION_COUNT)]
    write_fixed_zip(out / "evaluation.zip", [(f"eval_{index:04d}.jpg", jpeg) for index, (jpeg, _) in enumerate(rendered)])
    labels = coco_annotations("eval", 4, [boxes for _, boxes in rendered])
    (out / "evaluation.json").write_text(json.dumps(labels, separators=(",", ":")) + "\n")


def write_preview(out: Path, split: str, rows: int, columns: int = 8) -> None:
    """A contact sheet with the boxes drawn in."""
    sheet = Image.new("RGB", (columns * SIZE, rows * SIZE))
    for index in range(rows * columns):
        pixels, boxes = _render_pixels(split, index)
        tile = Image.fromarray(pixels)
        pen = ImageDraw.Draw(tile)
        for kind, (x, y, width, height) in boxes:
            pen.rectangle((x, y, x + width - 1, y + height - 1), outline=(255, 0, 0))
            pen.text((x + 1, y), CLASS_NAMES[kind], fill=(255, 255, 0))
        sheet.paste(tile, (index % columns * SIZE, index // columns * SIZE))
    sheet.save(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["ship", "preview"])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--split", choices=SPLITS, default="train", help="preview only")
    parser.add_argument("--rows", type=int, default=5, help="preview only")
    arguments = parser.parse_args()
    if arguments.what == "ship":
        write_shipped_files(arguments.out)
    else:
        write_preview(arguments.out, arguments.split, arguments.rows)


if __name__ == "__main__":
    main()
