"""Train objects-cnn on freshly rendered images and export it to ONNX.

    python train_objects_cnn.py --out ../../test-models/objects-cnn/objects-cnn.onnx

The rendered pixels can be kept between runs with --cache; they are never committed.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from object_silhouettes import CLASS_NAMES
from objects_cnn_network import ObjectsCnn
from render_objects import SIZE, render_split

MEAN = 127.5
SCALE = 0.0078431
WEIGHT_SEED = 7


def load_or_render(split: str, count: int, workers: int, cache: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """Pixels and classes of a split, from the cache file if there is one for just this split and count."""
    file = cache / f"{split}-{count}.npz" if cache else None
    if file and file.exists():
        stored = np.load(file)
        return stored["images"], stored["classes"]
    images, classes = render_split(split, count, workers)
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(file, images=images, classes=classes)
    return images, classes


def normalise(images: np.ndarray | torch.Tensor) -> torch.Tensor:
    """uint8 [N, H, W, 3] to the network's float [N, 3, H, W]; the same arithmetic as the shipped preprocessing."""
    pixels = torch.as_tensor(images).permute(0, 3, 1, 2).float()
    return (pixels - MEAN) * SCALE


def augment(batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Mirror half of the images and shift each batch by up to 4 pixels, repeating the edge."""
    mirrored = torch.rand(len(batch), generator=generator) < 0.5
    batch = torch.where(mirrored[:, None, None, None], batch.flip(3), batch)
    dy, dx = torch.randint(0, 9, (2,), generator=generator).tolist()
    return nn.functional.pad(batch, (4, 4, 4, 4), mode="replicate")[:, :, dy : dy + SIZE, dx : dx + SIZE]


def count_correct(network: nn.Module, images: np.ndarray, classes: np.ndarray) -> int:
    network.eval()
    with torch.no_grad():
        chosen = torch.cat([network(normalise(part)).argmax(1) for part in np.array_split(images, max(1, len(images) // 200))])
    network.train()
    return int((chosen.numpy() == classes).sum())


def train(network: nn.Module, images: np.ndarray, classes: np.ndarray, validation, epochs: int, batch: int, peak: float) -> None:
    """AdamW with one warm-up and cosine cycle and label smoothing. The validation split is only watched, never chosen on."""
    generator = torch.Generator().manual_seed(WEIGHT_SEED)
    pixels, targets = torch.from_numpy(images), torch.from_numpy(classes)
    steps = len(images) // batch
    optimizer = torch.optim.AdamW(network.parameters(), lr=peak, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, peak, epochs * steps, pct_start=0.15)
    loss_function = nn.CrossEntropyLoss(label_smoothing=0.05)
    for epoch in range(epochs):
        started, total = time.perf_counter(), 0.0
        order = torch.randperm(len(images), generator=generator)
        for step in range(steps):
            chosen = order[step * batch : (step + 1) * batch]
            inputs = augment(normalise(pixels[chosen]), generator).contiguous(memory_format=torch.channels_last)
            loss = loss_function(network(inputs), targets[chosen])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        correct = count_correct(network, *validation)
        seconds = time.perf_counter() - started
        print(f"epoch {epoch + 1:2d}  loss {total / steps:.4f}  validation {correct}/{len(validation[1])}  {seconds:.0f} s", flush=True)


def export(network: nn.Module, out: Path) -> None:
    """Export through the TorchScript exporter. In eval mode it folds every BatchNorm into the convolution before it."""
    network.eval()
    out.parent.mkdir(parents=True, exist_ok=True)
    network = network.to(memory_format=torch.contiguous_format)
    example = torch.zeros(1, 3, SIZE, SIZE)
    torch.onnx.export(network, (example,), str(out), opset_version=13, dynamo=False, input_names=["image"], output_names=["logits"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--images", type=int, default=25000)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--peak", type=float, default=4e-3, help="highest learning rate")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cache", type=Path)
    arguments = parser.parse_args()

    torch.manual_seed(WEIGHT_SEED)
    torch.set_num_threads(arguments.threads)
    started = time.perf_counter()
    images, classes = load_or_render("train", arguments.images, arguments.threads, arguments.cache)
    validation = load_or_render("validation", 1000, arguments.threads, arguments.cache)
    print(f"rendered {len(images)} + {len(validation[0])} images in {time.perf_counter() - started:.0f} s", flush=True)

    network = ObjectsCnn(len(CLASS_NAMES)).to(memory_format=torch.channels_last)
    print(f"{sum(parameter.numel() for parameter in network.parameters())} parameters before folding", flush=True)
    train(network, images, classes, validation, arguments.epochs, arguments.batch, arguments.peak)
    export(network, arguments.out)


if __name__ == "__main__":
    main()
