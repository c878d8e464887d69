"""Train one of the classifiers of the objects data set on freshly rendered images and save its weights.

    python train_classifier.py objects-mobilenetv2 --weights mobilenetv2.pt

Convolutions and matrix products run in bfloat16 but in the last epochs; depthwise convolutions gain nothing from it. The
rendered pixels can be kept between runs with --cache; neither they nor the weights are committed: export_classifier.py
turns the weights into the shipped ONNX file.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from mobilenet_v2_network import ObjectsMobileNetV2
from mobilenet_v3_network import ObjectsMobileNetV3
from object_silhouettes import CLASS_NAMES
from resnet_network import ObjectsResNet
from train_objects_cnn import augment, load_or_render, normalise

WEIGHT_SEED = 7

NETWORKS = {
    "objects-mobilenetv2": ObjectsMobileNetV2,
    "objects-mobilenetv3": ObjectsMobileNetV3,
    "objects-resnet": ObjectsResNet,
}


def count_correct(network: nn.Module, images: np.ndarray, classes: np.ndarray) -> int:
    network.eval()
    with torch.no_grad():
        parts = np.array_split(images, max(1, len(images) // 200))
        chosen = torch.cat([network(normalise(part).contiguous(memory_format=torch.channels_last)).argmax(1) for part in parts])
    network.train()
    return int((chosen.numpy() == classes).sum())


def train(network: nn.Module, images: np.ndarray, classes: np.ndarray, validation, arguments) -> None:
    """AdamW with one warm-up and cosine cycle and label smoothing. The validation split is only watched, never chosen on."""
    generator = torch.Generator().manual_seed(arguments.seed)
    pixels, targets = torch.from_numpy(images), torch.from_numpy(classes)
    steps = len(images) // arguments.batch
    optimizer = torch.optim.AdamW(network.parameters(), lr=arguments.peak, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, arguments.peak, arguments.epochs * steps, pct_start=0.15)
    loss_function = nn.CrossEntropyLoss(label_smoothing=0.05)
    for epoch in range(arguments.epochs):
        started, total = time.perf_counter(), 0.0
        order = torch.randperm(len(images), generator=generator)
        is_rough = epoch < arguments.epochs - arguments.exact_epochs
        for step in range(steps):
            chosen = order[step * arguments.batch : (step + 1) * arguments.batch]
            inputs = augment(normalise(pixels[chosen]), generator)
            if epoch < arguments.small_epochs:
                inputs = nn.functional.interpolate(inputs, size=arguments.small_size, mode="bilinear", antialias=True)
            inputs = inputs.contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16, enabled=is_rough):
                logits = network(inputs)
            loss = loss_function(logits.float(), targets[chosen])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        correct = count_correct(network, *validation)
        seconds = time.perf_counter() - started
        print(f"epoch {epoch + 1:2d}  loss {total / steps:.4f}  validation {correct}/{len(validation[1])}  {seconds:.0f} s", flush=True)
        torch.save(network.state_dict(), arguments.weights)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--initial", type=Path, help="weights to go on from")
    parser.add_argument("--images", type=int, default=25000)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--exact-epochs", type=int, default=1, help="epochs at the end in float32")
    parser.add_argument("--small-epochs", type=int, default=0, help="epochs at the start on reduced images: less than half the work")
    parser.add_argument("--small-size", type=int, default=40)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--peak", type=float, default=5e-3, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=WEIGHT_SEED, help="of the weights and of the order of batches")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cache", type=Path)
    arguments = parser.parse_args()

    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    images, classes = load_or_render("train", arguments.images, arguments.threads, arguments.cache)
    validation = load_or_render("validation", 1000, arguments.threads, arguments.cache)
    network = NETWORKS[arguments.network](len(CLASS_NAMES)).to(memory_format=torch.channels_last)
    if arguments.initial:
        network.load_state_dict(torch.load(arguments.initial, map_location="cpu"))
    print(f"{sum(parameter.numel() for parameter in network.parameters())} parameters before folding", flush=True)
    train(network, images, classes, validation, arguments)


if __name__ == "__main__":
    main()
