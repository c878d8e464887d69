"""Measure a shipped classifier with ONNX Runtime on the shipped JPEG files, and write reference.json beside it.

    python evaluate_onnx_classifier.py ../../test-models/objects-cnn

reference.json is what another runtime is checked against: the logits of a few images, the channel sums of their decoded
pixels (if those differ, the JPEG decoder is the cause and not the network), and the top-1 count over all of them.
"""

import argparse
import csv
import hashlib
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

MEAN = np.float32(127.5)
SCALE = np.float32(0.0078431)
REFERENCE_IMAGES = 4


def read_images(archive: Path) -> dict[str, np.ndarray]:
    """Every JPEG of a zip as uint8 [H, W, 3], by file name."""
    with zipfile.ZipFile(archive) as files:
        return {name: np.asarray(Image.open(io.BytesIO(files.read(name))).convert("RGB")) for name in files.namelist()}


def read_labels(table: Path) -> dict[str, tuple[int, str]]:
    with open(table, newline="") as file:
        return {row["file"]: (int(row["class_index"]), row["class_name"]) for row in csv.DictReader(file)}


def preprocess(pixels: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 3] to float32 [1, 3, H, W] by (x - mean) * scale."""
    return ((pixels.astype(np.float32) - MEAN) * SCALE).transpose(2, 0, 1)[None]


def open_session(model: Path) -> onnxruntime.InferenceSession:
    """One thread and no graph rewriting, so that the numbers depend as little as possible on the machine."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def run_all(model: Path, images: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The logits of every image, by file name."""
    session = open_session(model)
    return {name: session.run(["logits"], {"image": preprocess(pixels)})[0][0] for name, pixels in images.items()}


def count_top1(logits: dict[str, np.ndarray], labels: dict[str, tuple[int, str]]) -> int:
    return sum(int(values.argmax()) == labels[name][0] for name, values in logits.items())


def _reference_entry(name: str, pixels: np.ndarray, logits: np.ndarray, label: tuple[int, str]) -> dict:
    return {
        "file": name,
        "classIndex": label[0],
        "top1": int(logits.argmax()),
        "channelSums": pixels.reshape(-1, 3).sum(axis=0, dtype=np.int64).tolist(),
        "logits": [float(f"{value:.7g}") for value in logits],
    }


def write_reference(out: Path, images, logits, labels) -> None:
    first = sorted(images)[:REFERENCE_IMAGES]
    reference = {
        "model": next(out.parent.glob("*.onnx")).name,
        "runtime": f"onnxruntime {onnxruntime.__version__}, CPU, graph optimisation off",
        "decoder": f"Pillow {PIL.__version__}",
        "evaluationCount": len(images),
        "top1Count": count_top1(logits, labels),
        "images": [_reference_entry(name, images[name], logits[name], labels[name]) for name in first],
    }
    out.write_text(json.dumps(reference, indent=2) + "\n")


def print_report(folder: Path, model: Path, logits, labels) -> None:
    """Everything the model card quotes."""
    print(f"top-1 {count_top1(logits, labels)}/{len(logits)}")
    classes = Counter(labels[name][1] for name in logits)
    right = Counter(labels[name][1] for name, values in logits.items() if int(values.argmax()) == labels[name][0])
    print("per class:", ", ".join(f"{kind} {right[kind]}/{classes[kind]}" for kind in classes))
    graph = onnx.load(model).graph
    print("parameters:", sum(int(np.prod(tensor.dims)) for tensor in graph.initializer))
    print("ops:", dict(Counter(node.op_type for node in graph.node).most_common()))
    for file in sorted(folder.iterdir()):
        if file.suffix in {".onnx", ".zip", ".csv", ".json"}:
            print(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.stat().st_size:8d}  {file.name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a model's folder under test-models")
    folder = parser.parse_args().folder
    model = next(folder.glob("*.onnx"))
    onnx.checker.check_model(onnx.load(model))
    images, labels = read_images(folder / "evaluation.zip"), read_labels(folder / "labels.csv")
    logits = run_all(model, images)
    write_reference(folder / "reference.json", images, logits, labels)
    print_report(folder, model, logits, labels)


if __name__ == "__main__":
    main()
