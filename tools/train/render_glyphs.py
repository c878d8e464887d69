"""Render the glyphs data set: grey 32x96 images of words of three to six signs, drawn as strokes.

The sixteen signs (ten digits and A E H K T X) are polylines of our own; width, slant, thickness, spacing, place and wobble vary.

    python render_glyphs.py ship --out ../../test-models/glyphs-crnn
    python render_glyphs.py preview --out preview.png
"""

import argparse
import csv
import io
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import scene_painting as scene
from fixed_zip import write_fixed_zip

HEIGHT, WIDTH = 32, 96
SEED = 20243
SPLITS = {"train": 0, "validation": 1, "calibration": 2, "evaluation": 3}
CALIBRATION_COUNT = 60
EVALUATION_COUNT = 300
SIGNS = "0123456789AEHKTX"

# Strokes in a unit box, x to the right and y down; a sign is a list of polylines.
STROKES = {
    "0": [[(0.5, 0), (0.95, 0.25), (0.95, 0.75), (0.5, 1), (0.05, 0.75), (0.05, 0.25), (0.5, 0)]],
    "1": [[(0.2, 0.25), (0.55, 0), (0.55, 1)], [(0.2, 1), (0.9, 1)]],
    "2": [[(0.05, 0.25), (0.3, 0), (0.75, 0), (0.95, 0.25), (0.05, 1), (0.95, 1)]],
    "3": [[(0.05, 0), (0.9, 0), (0.45, 0.4), (0.95, 0.65), (0.7, 1), (0.05, 0.9)]],
    "4": [[(0.7, 1), (0.7, 0), (0.05, 0.65), (0.95, 0.65)]],
    "5": [[(0.9, 0), (0.1, 0), (0.1, 0.45), (0.7, 0.4), (0.95, 0.7), (0.65, 1), (0.05, 0.95)]],
    "6": [[(0.85, 0), (0.3, 0.3), (0.05, 0.7), (0.4, 1), (0.9, 0.85), (0.85, 0.55), (0.1, 0.6)]],
    "7": [[(0.05, 0), (0.95, 0), (0.4, 1)]],
    "8": [[(0.5, 0.45), (0.1, 0.2), (0.5, 0), (0.9, 0.2), (0.5, 0.45), (0.05, 0.75), (0.5, 1), (0.95, 0.75), (0.5, 0.45)]],
    "9": [[(0.9, 0.4), (0.15, 0.45), (0.1, 0.15), (0.6, 0), (0.95, 0.3), (0.7, 0.7), (0.15, 1)]],
    "A": [[(0.05, 1), (0.5, 0), (0.95, 1)], [(0.2, 0.65), (0.8, 0.65)]],
    "E": [[(0.95, 0), (0.1, 0), (0.1, 1), (0.95, 1)], [(0.1, 0.5), (0.75, 0.5)]],
    "H": [[(0.1, 0), (0.1, 1)], [(0.9, 0), (0.9, 1)], [(0.1, 0.5), (0.9, 0.5)]],
    "K": [[(0.1, 0), (0.1, 1)], [(0.9, 0), (0.1, 0.55)], [(0.35, 0.4), (0.95, 1)]],
    "T": [[(0.05, 0), (0.95, 0)], [(0.5, 0), (0.5, 1)]],
    "X": [[(0.05, 0), (0.95, 1)], [(0.95, 0), (0.05, 1)]],
}
SCALE = 4


def render_word(rng: np.random.Generator) -> tuple[np.ndarray, str]:
    """One image, uint8 [32, 96], and what it says."""
    word = "".join(rng.choice(list(SIGNS), int(rng.integers(3, 7))))
    height = rng.uniform(14, 22)
    width = min(height * rng.uniform(0.5, 0.75), 84 / len(word) - 2)
    gap = rng.uniform(2.0, min(5.0, 2 + (86 - len(word) * (width + 2)) / len(word)))
    slant, tilt = rng.uniform(-0.25, 0.25), rng.uniform(-0.06, 0.06)
    total = len(word) * (width + gap) - gap
    left = rng.uniform(4, max(WIDTH - total - 4, 4.1))
    top = rng.uniform(4, HEIGHT - height - 4)
    canvas = Image.new("L", (WIDTH * SCALE, HEIGHT * SCALE))
    pen = ImageDraw.Draw(canvas)
    thickness = max(1, round(rng.uniform(1.3, 2.8) * SCALE))
    for place, sign in enumerate(word):
        for stroke in STROKES[sign]:
            points = np.array(stroke) + rng.normal(0, 0.045, (len(stroke), 2))
            x = left + place * (width + gap) + points[:, 0] * width + slant * (0.5 - points[:, 1]) * height
            y = top + points[:, 1] * height + tilt * (x - WIDTH / 2)
            line = [tuple(point) for point in (np.stack([x, y], 1) * SCALE).tolist()]
            pen.line(line, fill=255, width=thickness, joint="curve")
    ink = np.asarray(canvas.reduce(SCALE), np.float32) / 255
    paper = scene.background(WIDTH, rng)[:HEIGHT].mean(2)
    paper = rng.uniform(60, 190) + (paper - paper.mean()) * rng.uniform(0.2, 0.6)
    sign = 1 if paper.mean() < 125 else -1
    image = paper + ink * sign * rng.uniform(45, 110)
    image = scene.blur(image, rng.uniform(0.0, 0.9)) + rng.uniform(2, 14) * rng.standard_normal(image.shape)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8), word


def render(split: str, index: int) -> tuple[np.ndarray, str]:
    return render_word(np.random.default_rng([SEED, SPLITS[split], index]))


def render_split(split: str, count: int, workers: int) -> tuple[np.ndarray, list[str]]:
    with ProcessPoolExecutor(workers) as pool:
        rows = list(pool.map(partial(render, split), range(count), chunksize=128))
    return np.stack([image for image, _ in rows]), [word for _, word in rows]


def png(pixels: np.ndarray) -> bytes:
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG", optimize=True)
    return data.getvalue()


def write_shipped_files(out: Path) -> None:
    """Write calibration.zip, evaluation.zip and labels.csv (columns file, text)."""
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for archive, split, count, name in (
        ("evaluation.zip", "evaluation", EVALUATION_COUNT, "eval"),
        ("calibration.zip", "calibration", CALIBRATION_COUNT, "calib"),
    ):
        rendered = [render(split, index) for index in range(count)]
        write_fixed_zip(out / archive, [(f"{name}_{index:03d}.png", png(image)) for index, (image, _) in enumerate(rendered)])
        rows += [(f"{name}_{index:03d}.png", word) for index, (_, word) in enumerate(rendered)]
    with open(out / "labels.csv", "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["file", "text"])
        table.writerows(rows)


def write_preview(out: Path) -> None:
    sheet = Image.new("L", (6 * WIDTH, 12 * HEIGHT))
    for index in range(72):
        sheet.paste(Image.fromarray(render("train", index)[0]), (index % 6 * WIDTH, index // 6 * HEIGHT))
    sheet.save(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["ship", "preview"])
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    (write_shipped_files if arguments.what == "ship" else write_preview)(arguments.out)


if __name__ == "__main__":
    main()
