"""The network of scenes-yolov8: an anchor-free detector in the manner of YOLOv8 (Ultralytics), at a size for 128x128 images.

SiLU everywhere, C2f blocks (Split, residual bottlenecks, Concat), a pooling pyramid (SPPF), two enlarging and reducing paths
made one, and a decoupled head that predicts the distance to each side of a box as a distribution (softmax over bins, expectation).
The exported graph decodes boxes with Slice, Sub, Add and Concat and scores with Sigmoid: [N, 4 + classes, 320].
"""

import torch
from torch import nn

from objects_cnn_network import conv_norm
from yolov3_tiny_network import generalized_overlap

STRIDES = (8, 16)
BINS = 8
SIZE = 128


def _conv(inputs: int, outputs: int, kernel: int = 1, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(*conv_norm(inputs, outputs, kernel, stride), nn.SiLU())


class Bottleneck(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.layers = nn.Sequential(_conv(width, width, 3), _conv(width, width, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.layers(x)


class C2f(nn.Module):
    """A 1x1 convolution split in two; bottlenecks on the second half; everything joined and mixed."""

    def __init__(self, inputs: int, outputs: int, repeats: int = 1):
        super().__init__()
        self.half = outputs // 2
        self.enter = _conv(inputs, outputs)
        self.blocks = nn.ModuleList([Bottleneck(self.half) for _ in range(repeats)])
        self.leave = _conv((2 + repeats) * self.half, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = list(torch.split(self.enter(x), self.half, 1))
        for block in self.blocks:
            parts.append(block(parts[-1]))
        return self.leave(torch.cat(parts, 1))


class Sppf(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.enter, self.leave = _conv(width, width // 2), _conv(2 * width, width)
        self.pool = nn.MaxPool2d(5, 1, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = [self.enter(x)]
        for _ in range(3):
            parts.append(self.pool(parts[-1]))
        return self.leave(torch.cat(parts, 1))


class Head(nn.Module):
    """Two branches: 4 distributions over BINS, and class scores."""

    def __init__(self, inputs: int, classes: int):
        super().__init__()
        self.box = nn.Sequential(_conv(inputs, 48, 3), nn.Conv2d(48, 4 * BINS, 1))
        self.score = nn.Sequential(_conv(inputs, 48, 3), nn.Conv2d(48, classes, 1))
        nn.init.constant_(self.score[-1].bias, -4.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.box(x), self.score(x)], 1)


class ScenesYolov8(nn.Module):
    """RGB 128x128 in 0..1 to two raw maps [N, 4 * BINS + classes, 16, 16] and [N, 4 * BINS + classes, 8, 8]."""

    def __init__(self, classes: int):
        super().__init__()
        self.classes = classes
        self.early = nn.Sequential(_conv(3, 16, 3, 2), _conv(16, 32, 3, 2), C2f(32, 32), _conv(32, 64, 3, 2), C2f(64, 64, 2))
        self.deep = nn.Sequential(_conv(64, 96, 3, 2), C2f(96, 96), Sppf(96))
        self.enlarge = nn.Upsample(scale_factor=2, mode="nearest")
        self.fine = C2f(160, 64)
        self.reduce = _conv(64, 64, 3, 2)
        self.coarse = C2f(160, 96)
        self.heads = nn.ModuleList([Head(64, classes), Head(96, classes)])

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        early = self.early(x)
        deep = self.deep(early)
        fine = self.fine(torch.cat([self.enlarge(deep), early], 1))
        coarse = self.coarse(torch.cat([self.reduce(fine), deep], 1))
        return self.heads[0](fine), self.heads[1](coarse)


def cell_centres(level: int) -> torch.Tensor:
    """[H * W, 2] x, y of the centre of each cell, in pixels."""
    grid = SIZE // STRIDES[level]
    rows, columns = torch.meshgrid(torch.arange(grid), torch.arange(grid), indexing="ij")
    return (torch.stack([columns, rows], -1).reshape(-1, 2).float() + 0.5) * STRIDES[level]


def _rows(raws: list[torch.Tensor], classes: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Distributions [N, cells, 4, BINS], class logits [N, cells, classes], cell centres [cells, 2], strides [cells, 1]."""
    flat = torch.cat([raw.flatten(2) for raw in raws], 2).transpose(1, 2)
    centres = torch.cat([cell_centres(level) for level in range(len(raws))])
    strides = torch.cat([torch.full((raw.shape[2] * raw.shape[3], 1), float(STRIDES[level])) for level, raw in enumerate(raws)])
    return flat[..., : 4 * BINS].reshape(len(flat), -1, 4, BINS), flat[..., 4 * BINS :], centres, strides


def _boxes(distributions: torch.Tensor, centres: torch.Tensor, strides: torch.Tensor) -> torch.Tensor:
    """Centre x, centre y, width, height in pixels, of distances left, top, right, bottom."""
    sides = (distributions.softmax(-1) * torch.arange(float(BINS))).sum(-1) * strides
    low, high = centres - sides[..., :2], centres + sides[..., 2:]
    return torch.cat([(low + high) / 2, high - low], -1)


def predict(raws: list[torch.Tensor], classes: int) -> torch.Tensor:
    """[N, cells, 5 + classes] in the form of the other detector: an objectness of 1 stands before the class scores."""
    distributions, logits, centres, strides = _rows(raws, classes)
    boxes = _boxes(distributions, centres, strides)
    return torch.cat([boxes, torch.ones_like(boxes[..., :1]), logits.sigmoid()], -1)


class WithDecoding(nn.Module):
    """The network with its box decoding: [N, 4 + classes, 320], centre x, centre y, width, height in pixels, then scores."""

    def __init__(self, network: ScenesYolov8):
        super().__init__()
        self.network = network
        self.expectation = nn.Conv2d(BINS, 1, 1, bias=False)
        self.expectation.weight.data = torch.arange(float(BINS)).reshape(1, BINS, 1, 1)
        self.register_buffer("centres", torch.cat([cell_centres(0), cell_centres(1)]).T[None])
        self.register_buffer("strides", torch.cat([torch.full((1, 1, (SIZE // stride) ** 2), float(stride)) for stride in STRIDES], 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        fine, coarse = self.network(x)
        flat = torch.cat([fine.reshape(1, -1, 256), coarse.reshape(1, -1, 64)], 2)
        boxes, scores = torch.split(flat, [4 * BINS, self.network.classes], 1)
        bins = boxes.reshape(1, 4, BINS, 320).transpose(1, 2).softmax(1)
        sides = self.expectation(bins).reshape(1, 4, 320)
        low = self.centres - sides[:, :2] * self.strides
        high = self.centres + sides[:, 2:] * self.strides
        return torch.cat([(low + high) / 2, high - low, scores.sigmoid()], 1)


def _assign(boxes: torch.Tensor, centres: torch.Tensor, strides: torch.Tensor, predicted: torch.Tensor, scores: torch.Tensor):
    """Task-aligned assignment (TOOD) for one image: which box each cell answers for (-1: none), and how well, 0..1.

    Candidates are the cells inside a box; the seven with the largest score * IoU^4 answer for it; a cell wanted by two
    takes the box that it overlaps most.
    """
    low, high = boxes[:, 1:3] - boxes[:, 3:5] / 2, boxes[:, 1:3] + boxes[:, 3:5] / 2
    inside = ((centres[None] > low[:, None]) & (centres[None] < high[:, None])).all(2)
    near = ((centres[None] - boxes[:, None, 1:3]).abs() < strides[None]).all(2)
    candidates = inside | (near & ~inside.any(1, keepdim=True))
    overlap = torch.stack([generalized_overlap(predicted, box[1:5].expand(len(predicted), 4))[0] for box in boxes])
    fit = scores[:, boxes[:, 0].long()].T * overlap**4 * candidates + 1e-9 * candidates
    top = torch.zeros_like(candidates).scatter_(1, fit.topk(min(7, fit.shape[1]), 1).indices, True) & candidates
    claimed = torch.where(top, overlap + 1e-6, torch.zeros(()))
    best, box = claimed.max(0)
    best_fit = fit.max(1, keepdim=True).values
    best_overlap = (overlap * top).max(1, keepdim=True).values
    quality = (fit / best_fit.clamp(min=1e-9) * best_overlap)[box, torch.arange(len(centres))]
    return torch.where(best > 0, box, -1), quality


def loss(raws: list[torch.Tensor], boxes: torch.Tensor, classes: int) -> torch.Tensor:
    """Class scores towards the quality of the assignment, GIoU, and the distributions. Boxes: (image, class, cx, cy, w, h)."""
    distributions, logits, centres, strides = _rows(raws, classes)
    predicted = _boxes(distributions, centres, strides)
    targets = torch.zeros_like(logits)
    box_loss = side_loss = torch.zeros(())
    weight_sum = torch.zeros(())
    for image in range(len(logits)):
        mine = boxes[boxes[:, 0] == image][:, 1:]
        if len(mine) == 0:
            continue
        with torch.no_grad():
            answer, quality = _assign(mine, centres, strides, predicted[image], logits[image].sigmoid())
        cells = torch.nonzero(answer >= 0)[:, 0]
        wanted, weight = mine[answer[cells]], quality[cells]
        targets[image, cells, wanted[:, 0].long()] = weight
        _, generalized = generalized_overlap(predicted[image, cells], wanted[:, 1:5])
        box_loss = box_loss + ((1 - generalized) * weight).sum()
        low, high = wanted[:, 1:3] - wanted[:, 3:5] / 2, wanted[:, 1:3] + wanted[:, 3:5] / 2
        sides = torch.cat([centres[cells] - low, high - centres[cells]], 1) / strides[cells]
        sides = sides.clamp(0, BINS - 1.01)
        left = sides.floor().long()
        share = sides - left
        log = distributions[image, cells].log_softmax(-1)
        picked = log.gather(2, left[..., None])[..., 0] * (1 - share) + log.gather(2, left[..., None] + 1)[..., 0] * share
        side_loss = side_loss - (picked.mean(1) * weight).sum()
        weight_sum = weight_sum + weight.sum()
    class_loss = nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="sum")
    return (7.5 * box_loss + 1.5 * side_loss + 0.5 * class_loss * 2) / weight_sum.clamp(min=1)
