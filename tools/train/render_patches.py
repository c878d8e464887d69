"""Render the patches data set for super-resolution: grey 96x96 images and the same at half the size.

Sharp drawn scenes without sensor noise, luma only. The small image is the mean of each 2x2 square, rounded to a byte.

    python render_patches.py ship --out ../../test-models/patches-espcn
"""

import argparse
import io
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

import object_silhouettes
import scene_painting as scene
from fixed_zip import write_fixed_zip
from object_painting import object_masks, paint_object

SIZE = 96
SEED = 20242
SPLITS = {"train": 0, "validation": 1, "calibration": 2, "evaluation": 3}
CALIBRATION_COUNT = 40
EVALUATION_COUNT = 60


def render_pair(split: str, index: int) -> tuple[np.ndarray, np.ndarray]:
    """Image `index` of a split: uint8 [96, 96] and, at half the size, uint8 [48, 48]."""
    rng = np.random.default_rng([SEED, SPLITS[split], index])
    image = scene.add_clutter(scene.background(SIZE, rng), rng)
    for _ in range(int(rng.integers(2, 5))):
        radius, centre = rng.uniform(12, 34), rng.uniform(10, SIZE - 10, 2)
        kind = int(rng.integers(len(object_silhouettes.CLASS_NAMES)))
        image = paint_object(image, *object_masks(SIZE, kind, rng, radius, centre), rng)
    image = scene.blur(scene.light(image, rng), rng.uniform(0.3, 0.7))
    luma = np.clip(np.rint(image @ np.array([0.299, 0.587, 0.114], np.float32)), 0, 255).astype(np.uint8)
    small = luma.reshape(SIZE // 2, 2, SIZE // 2, 2).mean((1, 3))
    return luma, np.floor(small + 0.5).astype(np.uint8)


def render_split(split: str, count: int, workers: int) -> tuple[np.ndarray, np.ndarray]:
    with ProcessPoolExecutor(workers) as pool:
        pairs = list(pool.map(partial(render_pair, split), range(count), chunksize=32))
    return np.stack([large for large, _ in pairs]), np.stack([small for _, small in pairs])


def png(pixels: np.ndarray) -> bytes:
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG", optimize=True)
    return data.getvalue()


def write_shipped_files(out: Path) -> None:
    """calibration.zip and evaluation.zip hold the small images, targets.zip the large ones of the evaluation, by the same names."""
    out.mkdir(parents=True, exist_ok=True)
    calibration = [render_pair("calibration", index)[1] for index in range(CALIBRATION_COUNT)]
    write_fixed_zip(out / "calibration.zip", [(f"calib_{index:03d}.png", png(small)) for index, small in enumerate(calibration)])
    evaluation = [render_pair("evaluation", index) for index in range(EVALUATION_COUNT)]
    write_fixed_zip(out / "evaluation.zip", [(f"eval_{index:03d}.png", png(small)) for index, (_, small) in enumerate(evaluation)])
    write_fixed_zip(out / "targets.zip", [(f"eval_{index:03d}.png", png(large)) for index, (large, _) in enumerate(evaluation)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["ship"])
    parser.add_argument("--out", type=Path, required=True)
    write_shipped_files(parser.parse_args().out)


if __name__ == "__main__":
    main()
