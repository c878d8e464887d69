"""Train glyphs-crnn: convolutions, a bidirectional LSTM over the columns, and connectionist temporal classification.

    python train_crnn.py --weights crnn.pt
"""

import argparse
import time
from pathlib import Path

import torch
from torch import nn

from objects_cnn_network import conv_norm
from render_glyphs import SIGNS, render_split

WEIGHT_SEED = 7


class GlyphsCrnn(nn.Module):
    """Grey [N, 1, 32, 96] in -1..1 to logits [N, 24, 1 + signs]; index 0 is the blank."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            *conv_norm(1, 16, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            *conv_norm(16, 32, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            *conv_norm(32, 48, 3),
            nn.ReLU(),
            nn.MaxPool2d((2, 1)),
            *conv_norm(48, 64, 3),
            nn.ReLU(),
        )
        self.squeeze = nn.Sequential(nn.Conv2d(64, 64, (4, 1), bias=False), nn.BatchNorm2d(64), nn.ReLU())
        self.reader = nn.LSTM(64, 48, bidirectional=True, batch_first=False)
        self.classifier = nn.Linear(96, 1 + len(SIGNS))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = self.squeeze(self.features(x))
        # Written with sizes taken from the tensor: with a dynamic batch the exported graph computes this shape.
        columns = features.reshape(features.shape[0], features.shape[1], features.shape[3]).permute(2, 0, 1)
        return self.classifier(self.reader(columns)[0]).permute(1, 0, 2)


def normalise(images) -> torch.Tensor:
    return (torch.as_tensor(images)[:, None].float() - 127.5) * 0.0078431


def read(logits: torch.Tensor) -> list[str]:
    """Greedy reading: the likeliest symbol of each column, repeats merged, blanks dropped."""
    words = []
    for row in logits.argmax(2).tolist():
        kept = [symbol for place, symbol in enumerate(row) if symbol != 0 and (place == 0 or row[place - 1] != symbol)]
        words.append("".join(SIGNS[symbol - 1] for symbol in kept))
    return words


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--images", type=int, default=16000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=WEIGHT_SEED, help="of the weights and of the order of batches")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()

    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    images, words = render_split("train", arguments.images, arguments.threads)
    watched, watched_words = render_split("validation", 400, arguments.threads)
    network = GlyphsCrnn()
    steps = len(images) // 64
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, arguments.epochs * steps, pct_start=0.15)
    for epoch in range(arguments.epochs):
        started, total = time.perf_counter(), 0.0
        order = torch.randperm(len(images))
        for step in range(steps):
            chosen = order[step * 64 : step * 64 + 64].tolist()
            targets = torch.tensor([SIGNS.index(sign) + 1 for index in chosen for sign in words[index]])
            lengths = torch.tensor([len(words[index]) for index in chosen])
            log = network(normalise(images[chosen])).log_softmax(2).permute(1, 0, 2)
            loss = nn.functional.ctc_loss(log, targets, torch.full((64,), log.shape[0]), lengths, zero_infinity=True)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            schedule.step()
            total += loss.item()
        network.eval()
        with torch.no_grad():
            right = sum(found == word for found, word in zip(read(network(normalise(watched))), watched_words))
        network.train()
        print(f"epoch {epoch + 1}  loss {total / steps:.3f}  validation {right}/400 words  {time.perf_counter() - started:.0f} s", flush=True)
        torch.save(network.state_dict(), arguments.weights)


if __name__ == "__main__":
    main()
