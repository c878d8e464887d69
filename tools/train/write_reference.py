"""Measure a model's folder with ONNX Runtime on the shipped files and write reference.json beside the model.

    python write_reference.py scenes-yolov3-tiny

The metrics are this folder's own (NumPy), apart from those of the packages, so that each can be checked against the other.
reference.json also holds the outputs for a few samples, rounded to 7 digits and thinned out when long.
"""

import argparse
import csv
import io
import json
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import PIL
from PIL import Image

from detection_measure import average_precision, suppress
from render_glyphs import SIGNS

MODELS = Path(__file__).resolve().parents[2] / "test-models"
SAMPLES = 3
MOST_VALUES = 200
IOU_LIMIT, MIN_SCORE = 0.6, 0.01

# Data folder, task, pixel mode, mean, scale.
KINDS = {
    "objects-mobilenetv2": ("objects-cnn", "topk", "RGB", 127.5, 0.0078431),
    "objects-mobilenetv3": ("objects-cnn", "topk", "RGB", 127.5, 0.0078431),
    "objects-resnet": ("objects-cnn", "topk", "RGB", 127.5, 0.0078431),
    "objects-vit": ("objects-cnn", "topk", "RGB", 127.5, 0.0078431),
    "scenes-yolov3-tiny": ("scenes-yolov3-tiny", "yolo", "RGB", 0, 0.0039216),
    "scenes-yolov8": ("scenes-yolov3-tiny", "yolo", "RGB", 0, 0.0039216),
    "patches-espcn": ("patches-espcn", "psnr", "L", 0, 0.0039216),
    "glyphs-crnn": ("glyphs-crnn", "text", "L", 127.5, 0.0078431),
}


def read_images(archive: Path, mode: str) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(archive) as files:
        return {name: np.asarray(Image.open(io.BytesIO(files.read(name))).convert(mode)) for name in sorted(files.namelist())}


def prepare(pixels: np.ndarray, mean: float, scale: float) -> np.ndarray:
    values = (pixels.astype(np.float32) - np.float32(mean)) * np.float32(scale)
    return (values[None] if values.ndim == 2 else values.transpose(2, 0, 1))[None]


def open_session(model: Path) -> onnxruntime.InferenceSession:
    """One thread and no graph rewriting, so that the numbers depend as little as possible on the machine."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def table(path: Path, column: str) -> dict[str, str]:
    with open(path, newline="") as file:
        return {row["file"]: row[column] for row in csv.DictReader(file)}


def topk(outputs: dict[str, np.ndarray], data: Path) -> dict[str, float]:
    labels = {name: int(value) for name, value in table(data / "labels.csv", "class_index").items()}
    ranks = [int((values[0] > values[0][labels[name]]).sum()) for name, values in outputs.items()]
    return {"top1": float(np.mean([rank < 1 for rank in ranks])), "top5": float(np.mean([rank < 5 for rank in ranks]))}


def yolo(outputs: dict[str, np.ndarray], data: Path) -> dict[str, float]:
    labels = json.loads((data / "evaluation.json").read_text())
    truths = {image["id"]: [] for image in labels["images"]}
    for one in labels["annotations"]:
        x, y, width, height = one["bbox"]
        truths[one["image_id"]].append((x, y, x + width, y + height, one["category_id"] - 1))
    found, wanted = [], []
    for image in labels["images"]:
        rows = outputs[image["file_name"]][0]
        if rows.shape[0] < rows.shape[1]:
            rows = np.insert(rows.T, 4, 1, axis=1)
        scores = rows[:, 4:5] * rows[:, 5:]
        anchors, classes = np.nonzero(scores > MIN_SCORE)
        score, box = scores[anchors, classes], rows[anchors, :4]
        corners = np.concatenate([box[:, :2] - box[:, 2:] / 2, box[:, :2] + box[:, 2:] / 2], 1)
        keep = suppress(corners, score, classes, IOU_LIMIT, 100)
        corners = np.clip(corners, 0, [image["width"], image["height"]] * 2)
        found.append(np.concatenate([corners[keep], score[keep, None], classes[keep, None]], 1))
        wanted.append(np.array(truths[image["id"]], np.float64).reshape(-1, 5))
    wide, half = average_precision(found, wanted, len(labels["categories"]))
    return {"AP": wide, "AP50": half}


def psnr(outputs: dict[str, np.ndarray], data: Path) -> dict[str, float]:
    targets = read_images(data / "targets.zip", "L")
    small = read_images(data / "evaluation.zip", "L")
    decibels, plain = [], []
    for name, values in outputs.items():
        target = targets[name] / 255
        decibels.append(-10 * np.log10(((np.clip(values[0, 0].astype(np.float64), 0, 1) - target) ** 2).mean()))
        enlarged = Image.fromarray(small[name]).resize(target.shape[::-1], Image.Resampling.BICUBIC)
        plain.append(-10 * np.log10(((np.asarray(enlarged) / 255 - target) ** 2).mean()))
    return {"PSNR": float(np.mean(decibels)), "bicubicPSNR": float(np.mean(plain))}


def text(outputs: dict[str, np.ndarray], data: Path) -> dict[str, float]:
    words = table(data / "labels.csv", "text")
    right = 0
    for name, values in outputs.items():
        row = values[0].argmax(1)
        kept = [symbol for place, symbol in enumerate(row) if symbol != 0 and (place == 0 or row[place - 1] != symbol)]
        right += "".join(SIGNS[symbol - 1] for symbol in kept) == words[name]
    return {"words": right / len(outputs)}


MEASURES = {"topk": topk, "yolo": yolo, "psnr": psnr, "text": text}


def reference_entry(name: str, pixels: np.ndarray, values: np.ndarray) -> dict:
    flat = values.reshape(-1)
    step = max(1, len(flat) // MOST_VALUES)
    return {
        "file": name,
        "pixelSum": int(pixels.sum(dtype=np.int64)),
        "shape": list(values.shape),
        "every": step,
        "values": [float(f"{value:.7g}") for value in flat[::step]],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=KINDS)
    name = parser.parse_args().model
    data_name, task, mode, mean, scale = KINDS[name]
    folder, data = MODELS / name, MODELS / data_name
    file = folder / f"{name}.onnx"
    session = open_session(file)
    feed = session.get_inputs()[0].name
    images = read_images(data / "evaluation.zip", mode)
    outputs = {image: session.run(None, {feed: prepare(pixels, mean, scale)})[0] for image, pixels in images.items()}
    figures = MEASURES[task](outputs, data)
    first = list(images)[:SAMPLES]
    reference = {
        "model": file.name,
        "runtime": f"onnxruntime {onnxruntime.__version__}, CPU, graph optimisation off",
        "decoder": f"Pillow {PIL.__version__}",
        "samples": len(images),
        "figures": {key: float(f"{value:.6g}") for key, value in figures.items()},
        "outputs": [reference_entry(image, images[image], outputs[image]) for image in first],
    }
    (folder / "reference.json").write_text(json.dumps(reference, indent=1) + "\n")
    graph = onnx.load(file).graph
    print(name, figures)
    print("parameters:", sum(int(np.prod(tensor.dims)) for tensor in graph.initializer), "bytes:", file.stat().st_size)
    print("ops:", dict(Counter(node.op_type for node in graph.node).most_common()))


if __name__ == "__main__":
    main()
