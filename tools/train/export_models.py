"""Turn trained weights into the shipped ONNX files.

    python export_models.py objects-mobilenetv2 --weights mobilenetv2.pt --out ../../test-models/objects-mobilenetv2

Every BatchNorm is folded into the convolution before it. PyTorch's TorchScript exporter writes the files.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

import yolov3_tiny_network as yolov3
import yolov8_network as yolov8
from channel_imbalance import fold_batch_norm, unbalance
from mobilenet_v2_network import ObjectsMobileNetV2
from mobilenet_v3_network import ObjectsMobileNetV3
from object_silhouettes import CLASS_NAMES as OBJECT_NAMES
from render_scenes import CLASS_NAMES as SCENE_NAMES
from resnet_network import ObjectsResNet
from train_crnn import GlyphsCrnn
from train_espcn import PatchesEspcn
from train_objects_cnn import load_or_render, normalise
from vit_network import ObjectsVit, stem_of

# Smallest factor by which a channel of objects-mobilenetv2 is made smaller.
LEAST_FACTOR = 1 / 8
IMBALANCE_IMAGES = 2000


def _load(network: nn.Module, weights: Path) -> nn.Module:
    network.load_state_dict(torch.load(weights, map_location="cpu"))
    return network.eval()


def _export(network: nn.Module, out: Path, shape: tuple, names: dict, opset: int = 13, dynamic: dict | None = None) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        torch.onnx.export(
            network.eval(), (torch.zeros(*shape),), str(out), opset_version=opset, dynamo=False, dynamic_axes=dynamic, **names
        )
    onnx.checker.check_model(onnx.load(out))
    print(f"{out}: {out.stat().st_size} bytes")


def _unbalanced(network: nn.Module, arguments) -> nn.Module:
    fold_batch_norm(network)
    images, _ = load_or_render("train", arguments.images, 2, arguments.cache)
    batches = [normalise(images[start : start + 250]) for start in range(0, IMBALANCE_IMAGES, 250)]
    with torch.no_grad():
        before = network(batches[0])
        changed = unbalance(network, batches, LEAST_FACTOR)
        after = network(batches[0])
    print(f"{changed} channels rescaled, logits moved by at most {float((before - after).abs().max()):.2e}")
    return network


def export_classifier(name: str, arguments) -> None:
    kinds = {
        "objects-mobilenetv2": ObjectsMobileNetV2,
        "objects-mobilenetv3": ObjectsMobileNetV3,
        "objects-resnet": ObjectsResNet,
        "objects-vit": lambda classes: ObjectsVit(stem_of(ObjectsMobileNetV2(classes)), classes),
    }
    network = _load(kinds[name](len(OBJECT_NAMES)), arguments.weights)
    if name == "objects-mobilenetv2":
        network = _unbalanced(network, arguments)
    # HardSwish is an operator from 14 on, LayerNormalization from 17 on.
    opset = {"objects-mobilenetv3": 14, "objects-vit": 17}.get(name, 13)
    names = {"input_names": ["image"], "output_names": ["logits"]}
    _export(network, arguments.out / f"{name}.onnx", (1, 3, 64, 64), names, opset)


def export_yolov3(arguments) -> None:
    network = _load(yolov3.ScenesYolov3Tiny(len(SCENE_NAMES)), arguments.weights)
    names = {"input_names": ["image"], "output_names": ["detections"]}
    _export(yolov3.WithDecoding(network), arguments.out / "scenes-yolov3-tiny.onnx", (1, 3, 128, 128), names)


def export_yolov8(arguments) -> None:
    network = _load(yolov8.ScenesYolov8(len(SCENE_NAMES)), arguments.weights)
    names = {"input_names": ["image"], "output_names": ["detections"]}
    _export(yolov8.WithDecoding(network), arguments.out / "scenes-yolov8.onnx", (1, 3, 128, 128), names)


def export_espcn(arguments) -> None:
    network = _load(PatchesEspcn(), arguments.weights)
    names = {"input_names": ["small"], "output_names": ["large"]}
    _export(network, arguments.out / "patches-espcn.onnx", (1, 1, 48, 48), names)


def export_crnn(arguments) -> None:
    """With a dynamic batch: the graph computes shapes (Shape, Gather, Concat before Reshape, ConstantOfShape for the state)."""
    network = _load(GlyphsCrnn(), arguments.weights)
    names = {"input_names": ["image"], "output_names": ["logits"]}
    dynamic = {"image": {0: "batch"}, "logits": {0: "batch"}}
    _export(network, arguments.out / "glyphs-crnn.onnx", (1, 1, 32, 96), names, 13, dynamic)


EXPORTS = {
    **{name: lambda arguments, name=name: export_classifier(name, arguments)
       for name in ("objects-mobilenetv2", "objects-mobilenetv3", "objects-resnet", "objects-vit")},
    "scenes-yolov3-tiny": export_yolov3,
    "scenes-yolov8": export_yolov8,
    "patches-espcn": export_espcn,
    "glyphs-crnn": export_crnn,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=EXPORTS)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="the model's folder under test-models")
    parser.add_argument("--images", type=int, default=25000, help="training images that were rendered (objects-mobilenetv2)")
    parser.add_argument("--cache", type=Path)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    np.random.seed(0)
    EXPORTS[arguments.model](arguments)


if __name__ == "__main__":
    main()
