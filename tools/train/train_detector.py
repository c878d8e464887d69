"""Train one of the detectors of the scenes data set on freshly rendered images and save its weights.

    python train_detector.py scenes-yolov3-tiny --weights yolov3-tiny.pt
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

import yolov3_tiny_network as yolov3
import yolov8_network as yolov8
from detection_measure import average_precision, suppress
from render_scenes import CLASS_NAMES, SIZE, load_or_render

WEIGHT_SEED = 7
IOU_LIMIT = 0.6
MIN_SCORE = 0.01


def augment(images: torch.Tensor, boxes: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Mirror and turn the whole batch by quarter turns, and change each image's brightness. Boxes: (image, class, cx, cy, w, h)."""
    boxes = boxes.clone()
    if torch.rand((), generator=generator) < 0.5:
        images, boxes[:, 2] = images.flip(3), SIZE - boxes[:, 2]
    if torch.rand((), generator=generator) < 0.5:
        images, boxes[:, 3] = images.flip(2), SIZE - boxes[:, 3]
    if torch.rand((), generator=generator) < 0.5:
        images, boxes = images.transpose(2, 3), boxes[:, [0, 1, 3, 2, 5, 4]]
    order = torch.randperm(3, generator=generator)
    gain = torch.empty(len(images), 3, 1, 1).uniform_(0.7, 1.2, generator=generator)
    return (images[:, order] * gain).clamp(0, 1), boxes


def batch_boxes(rows: np.ndarray, chosen: np.ndarray) -> torch.Tensor:
    """The boxes (place in the batch, class, cx, cy, w, h) of some images out of rows (image, class, x, y, w, h) sorted by image."""
    parts = []
    for place, image in enumerate(chosen):
        low, high = np.searchsorted(rows[:, 0], [image, image + 1])
        found = rows[low:high].astype(np.float32)
        found[:, 0] = place
        found[:, 2:4] += found[:, 4:6] / 2
        parts.append(found)
    return torch.from_numpy(np.concatenate(parts))


def detections(predicted: np.ndarray) -> np.ndarray:
    """Rows (x0, y0, x1, y1, score, class) of one image from [anchors, 5 + classes] after non-maximum suppression."""
    scores = predicted[:, 4:5] * predicted[:, 5:]
    anchors, classes = np.nonzero(scores > MIN_SCORE)
    score, box = scores[anchors, classes], predicted[anchors, :4]
    corners = np.concatenate([box[:, :2] - box[:, 2:] / 2, box[:, :2] + box[:, 2:] / 2], 1)
    keep = suppress(corners, score, classes, IOU_LIMIT, 100)
    return np.concatenate([corners[keep], score[keep, None], classes[keep, None]], 1)


def measure(predict, network: nn.Module, images: np.ndarray, rows: np.ndarray) -> tuple[float, float]:
    network.eval()
    found, truths = [], []
    with torch.no_grad():
        for start in range(0, len(images), 50):
            pixels = torch.from_numpy(images[start : start + 50]).permute(0, 3, 1, 2).float() / 255
            found += [detections(one) for one in predict(network(pixels)).numpy()]
    for index in range(len(images)):
        mine = rows[rows[:, 0] == index].astype(np.float64)
        truths.append(np.concatenate([mine[:, 2:4], mine[:, 2:4] + mine[:, 4:6], mine[:, 1:2]], 1))
    network.train()
    return average_precision(found, truths, len(CLASS_NAMES))


def train(kind, network: nn.Module, images: np.ndarray, rows: np.ndarray, validation, arguments) -> None:
    generator = torch.Generator().manual_seed(arguments.seed)
    pixels = torch.from_numpy(images)
    steps = len(images) // arguments.batch
    optimizer = torch.optim.AdamW(network.parameters(), lr=arguments.peak, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, arguments.peak, arguments.epochs * steps, pct_start=0.15)
    for epoch in range(arguments.epochs):
        started, total = time.perf_counter(), 0.0
        order = torch.randperm(len(images), generator=generator)
        is_rough = epoch < arguments.epochs - arguments.exact_epochs
        for step in range(steps):
            chosen = order[step * arguments.batch : (step + 1) * arguments.batch]
            inputs, boxes = augment(pixels[chosen].permute(0, 3, 1, 2).float() / 255, batch_boxes(rows, chosen.numpy()), generator)
            with torch.autocast("cpu", torch.bfloat16, enabled=is_rough):
                raw = network(inputs.contiguous(memory_format=torch.channels_last))
            loss = kind.loss([one.float() for one in raw], boxes, len(CLASS_NAMES))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 10.0)
            optimizer.step()
            schedule.step()
            total += loss.item()
        line = f"epoch {epoch + 1:2d}  loss {total / steps:.4f}  {time.perf_counter() - started:.0f} s"
        if epoch % 3 == 2 or epoch + 1 == arguments.epochs:
            wide, half = measure(lambda raw: kind.predict(raw, len(CLASS_NAMES)), network, *validation)
            line += f"  validation AP {wide:.3f}  AP50 {half:.3f}"
        print(line, flush=True)
        torch.save(network.state_dict(), arguments.weights)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=["scenes-yolov3-tiny", "scenes-yolov8"])
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--images", type=int, default=6000)
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--exact-epochs", type=int, default=1, help="epochs at the end in float32")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--peak", type=float, default=3e-3, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=WEIGHT_SEED, help="of the weights and of the order of batches")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cache", type=Path)
    arguments = parser.parse_args()

    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    images, rows = load_or_render("train", arguments.images, arguments.threads, arguments.cache)
    validation = load_or_render("validation", 200, arguments.threads, arguments.cache)
    if arguments.network == "scenes-yolov3-tiny":
        kind, network = yolov3, yolov3.ScenesYolov3Tiny(len(CLASS_NAMES))
    else:
        kind, network = yolov8, yolov8.ScenesYolov8(len(CLASS_NAMES))
    network = network.to(memory_format=torch.channels_last)
    print(f"{sum(parameter.numel() for parameter in network.parameters())} parameters before folding", flush=True)
    train(kind, network, images, rows, validation, arguments)


if __name__ == "__main__":
    main()
