"""Train patches-espcn, a x2 super-resolver (Shi et al., 2016: convolutions at low resolution, then PixelShuffle).

    python train_espcn.py --weights espcn.pt
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from render_patches import render_split

WEIGHT_SEED = 7


class PatchesEspcn(nn.Module):
    """Grey [N, 1, h, w] in 0..1 to [N, 1, 2h, 2w] in 0..1."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 32, 5, padding=2),
            nn.ReLU(),
            nn.Conv2d(32, 24, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(24, 24, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(24, 4, 3, padding=1),
            nn.PixelShuffle(2),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


def tensor(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images)[:, None].float() / 255


def mean_psnr(result: torch.Tensor, wanted: torch.Tensor) -> float:
    """The mean over images of 10 log10(1 / MSE)."""
    return float((-10 * torch.log10(((result - wanted) ** 2).mean((1, 2, 3)))).mean())


def bicubic(small: np.ndarray) -> np.ndarray:
    return np.stack([np.asarray(Image.fromarray(one).resize((96, 96), Image.Resampling.BICUBIC)) for one in small])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--images", type=int, default=800)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=WEIGHT_SEED, help="of the weights and of the order of batches")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()

    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    large, small = render_split("train", arguments.images, arguments.threads)
    watched_large, watched_small = render_split("validation", 60, arguments.threads)
    print(f"bicubic: {mean_psnr(tensor(bicubic(watched_small)), tensor(watched_large)):.2f} dB", flush=True)
    network = PatchesEspcn()
    steps = len(large) // 16
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, arguments.epochs * steps, pct_start=0.1)
    started = time.perf_counter()
    for epoch in range(arguments.epochs):
        order = torch.randperm(len(large))
        for step in range(steps):
            chosen = order[step * 16 : step * 16 + 16].numpy()
            x, y = tensor(small[chosen]), tensor(large[chosen])
            if step % 2:
                x, y = x.flip(3), y.flip(3)
            if step % 4 > 1:
                x, y = x.transpose(2, 3), y.transpose(2, 3)
            loss = ((network(x) - y) ** 2).mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
        if epoch % 10 == 9:
            with torch.no_grad():
                reached = mean_psnr(network(tensor(watched_small)).clamp(0, 1), tensor(watched_large))
            print(f"epoch {epoch + 1}  validation {reached:.2f} dB  {time.perf_counter() - started:.0f} s", flush=True)
            torch.save(network.state_dict(), arguments.weights)
    torch.save(network.state_dict(), arguments.weights)


if __name__ == "__main__":
    main()
