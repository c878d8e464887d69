"""Train objects-vit on the features that the first blocks of a trained objects-mobilenetv2 give.

    python train_vit.py --stem-weights mobilenetv2.pt --weights vit.pt

The stem is not trained any further, so its features are computed once, for every image and its mirror image.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from mobilenet_v2_network import ObjectsMobileNetV2
from object_silhouettes import CLASS_NAMES
from train_objects_cnn import load_or_render, normalise
from vit_network import ObjectsVit, stem_of

WEIGHT_SEED = 7


def trained_stem(weights: Path) -> nn.Module:
    network = ObjectsMobileNetV2(len(CLASS_NAMES))
    network.load_state_dict(torch.load(weights, map_location="cpu"))
    return stem_of(network.eval()).requires_grad_(False)


def features_of(stem: nn.Module, images: np.ndarray, is_mirrored: bool) -> torch.Tensor:
    parts = []
    with torch.no_grad():
        for start in range(0, len(images), 250):
            batch = normalise(images[start : start + 250]).contiguous(memory_format=torch.channels_last)
            parts.append(stem(batch.flip(3) if is_mirrored else batch).bfloat16())
    return torch.cat(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stem-weights", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--images", type=int, default=25000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=WEIGHT_SEED, help="of the weights and of the order of batches")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cache", type=Path)
    arguments = parser.parse_args()

    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    images, classes = load_or_render("train", arguments.images, arguments.threads, arguments.cache)
    watched, watched_classes = load_or_render("validation", 1000, arguments.threads, arguments.cache)
    stem = trained_stem(arguments.stem_weights)
    plain, mirrored, validation = (features_of(stem, *which) for which in ((images, False), (images, True), (watched, False)))
    print("features ready", flush=True)
    targets = torch.from_numpy(classes)
    network = ObjectsVit(stem, len(CLASS_NAMES))
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    print(f"{sum(parameter.numel() for parameter in parameters)} parameters to train", flush=True)
    steps = len(images) // 128
    optimizer = torch.optim.AdamW(parameters, lr=2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, arguments.epochs * steps, pct_start=0.2)
    loss_function = nn.CrossEntropyLoss(label_smoothing=0.05)
    for epoch in range(arguments.epochs):
        started, total = time.perf_counter(), 0.0
        order = torch.randperm(len(images))
        for step in range(steps):
            chosen = order[step * 128 : step * 128 + 128]
            is_mirrored = (torch.rand(128) < 0.5)[:, None, None, None]
            features = torch.where(is_mirrored, mirrored[chosen], plain[chosen])
            with torch.autocast("cpu", torch.bfloat16):
                logits = network.classify(features)
            loss = loss_function(logits.float(), targets[chosen])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item()
        with torch.no_grad():
            right = int((network.classify(validation.float()).argmax(1).numpy() == watched_classes).sum())
        print(f"epoch {epoch + 1:2d}  loss {total / steps:.4f}  validation {right}/1000  {time.perf_counter() - started:.0f} s", flush=True)
        torch.save(network.state_dict(), arguments.weights)


if __name__ == "__main__":
    main()
