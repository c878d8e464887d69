"""The network of scenes-yolov3-tiny: YOLOv3-tiny (Redmon & Farhadi, 2018) at a size for 128x128 images.

Convolutions with LeakyReLU and MaxPool between them, a MaxPool of stride 1 in the deep part, two heads of three anchors each;
the fine head sees the deep features enlarged (Resize) beside the shallow ones (Concat).
"""

import torch
from torch import nn

from objects_cnn_network import conv_norm

# Anchor sizes in pixels, coarse head first; the heads come in the same order.
ANCHORS = (((34, 34), (46, 46), (62, 62)), ((15, 15), (20, 20), (27, 27)))
STRIDES = (16, 8)


def _leaky(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(*conv_norm(inputs, outputs, kernel), nn.LeakyReLU(0.1))


class _CoveredMaxPool(torch.autograd.Function):
    """MaxPool 2x2 with stride 1 and one column and row of padding, as the one ONNX operator that it is."""

    @staticmethod
    def forward(context, x: torch.Tensor) -> torch.Tensor:
        return _covered_max_pool(x)

    @staticmethod
    def symbolic(graph, x):
        pooled = graph.op("MaxPool", x, kernel_shape_i=[2, 2], pads_i=[0, 0, 1, 1], strides_i=[1, 1])
        pooled.setType(x.type())
        return pooled


def _covered_max_pool(x: torch.Tensor) -> torch.Tensor:
    return nn.functional.max_pool2d(nn.functional.pad(x, (0, 1, 0, 1), value=-1e4), 2, 1)


class StrideOneMaxPool(nn.Module):
    """MaxPool 2x2 with stride 1 that keeps the size: one column and one row of padding, right and below.

    PyTorch pads both sides alike or with a value. A value below every feature would be exported as a Pad, and calibration would
    take it for one: ONNX's own asymmetric padding holds no value.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return _CoveredMaxPool.apply(x) if torch.onnx.is_in_onnx_export() else _covered_max_pool(x)


class ScenesYolov3Tiny(nn.Module):
    """RGB 128x128 in 0..1 to the raw maps [N, 3 * (5 + classes), 8, 8] and [N, 3 * (5 + classes), 16, 16]."""

    def __init__(self, classes: int):
        super().__init__()
        self.classes = classes
        outputs = 3 * (5 + classes)
        self.shallow = nn.Sequential(
            _leaky(3, 16, 3), nn.MaxPool2d(2), _leaky(16, 32, 3), nn.MaxPool2d(2), _leaky(32, 48, 3), nn.MaxPool2d(2), _leaky(48, 96, 3)
        )
        self.deep = nn.Sequential(nn.MaxPool2d(2), _leaky(96, 176, 3), StrideOneMaxPool(), _leaky(176, 96, 1))
        self.coarse_head = nn.Sequential(_leaky(96, 144, 3), nn.Conv2d(144, outputs, 1))
        self.enlarge = nn.Sequential(_leaky(96, 48, 1), nn.Upsample(scale_factor=2, mode="nearest"))
        self.fine_head = nn.Sequential(_leaky(144, 64, 3), nn.Conv2d(64, outputs, 1))
        for head in (self.coarse_head, self.fine_head):
            # Most anchors see nothing: start from there.
            nn.init.constant_(head[-1].bias, 0.0)
            head[-1].bias.data[4 :: 5 + classes] = -4.5

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        shallow = self.shallow(x)
        deep = self.deep(shallow)
        return self.coarse_head(deep), self.fine_head(torch.cat([self.enlarge(deep), shallow], 1))


def decode(raw: torch.Tensor, level: int, classes: int) -> torch.Tensor:
    """A raw map to [N, 3 * H * W, 5 + classes]: centre x, centre y, width, height in pixels, objectness, class scores.

    YOLOv3's own decoding: centre = (sigmoid(t) + cell) * stride, size = exp(t) * anchor.
    """
    batch, _, height, width = raw.shape
    maps = raw.reshape(batch, 3, 5 + classes, height, width).permute(0, 1, 3, 4, 2)
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    cells = torch.stack([columns, rows], -1).to(raw.dtype)
    anchors = torch.tensor(ANCHORS[level], dtype=raw.dtype).reshape(1, 3, 1, 1, 2)
    centres = (torch.sigmoid(maps[..., 0:2]) + cells) * STRIDES[level]
    sizes = torch.exp(maps[..., 2:4]) * anchors
    scores = torch.sigmoid(maps[..., 4:])
    return torch.cat([centres, sizes, scores], -1).reshape(batch, -1, 5 + classes)


class WithDecoding(nn.Module):
    """The network and its post-processing up to, and without, non-maximum suppression: [N, 960, 5 + classes]."""

    def __init__(self, network: ScenesYolov3Tiny):
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([decode(raw, level, self.network.classes) for level, raw in enumerate(self.network(x))], 1)


def predict(raws: list[torch.Tensor], classes: int) -> torch.Tensor:
    return torch.cat([decode(raw, level, classes) for level, raw in enumerate(raws)], 1)


def generalized_overlap(first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """IoU and GIoU of boxes given as rows centre x, centre y, width, height."""
    low1, high1 = first[:, :2] - first[:, 2:4] / 2, first[:, :2] + first[:, 2:4] / 2
    low2, high2 = second[:, :2] - second[:, 2:4] / 2, second[:, :2] + second[:, 2:4] / 2
    shared = (torch.minimum(high1, high2) - torch.maximum(low1, low2)).clamp(min=0).prod(1)
    union = first[:, 2:4].prod(1) + second[:, 2:4].prod(1) - shared + 1e-7
    hull = (torch.maximum(high1, high2) - torch.minimum(low1, low2)).prod(1) + 1e-7
    return shared / union, shared / union - (hull - union) / hull


def _matches(boxes: torch.Tensor, level: int, grid: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Which boxes which anchors of a level answer for: rows (box, place in the map), by overlap of shapes alone."""
    anchors = torch.tensor([anchor for anchors in ANCHORS for anchor in anchors], dtype=torch.float32)
    smaller = torch.minimum(boxes[:, None, 4:6], anchors[None]).prod(2)
    shape = smaller / (boxes[:, None, 4:6].prod(2) + anchors[None].prod(2) - smaller)
    answers = (shape > 0.6) | (shape == shape.max(1, keepdim=True).values)
    box, anchor = torch.nonzero(answers[:, level * 3 : level * 3 + 3], as_tuple=True)
    cell = (boxes[box, 2:4] / STRIDES[level]).long().clamp(0, grid - 1)
    return box, ((boxes[box, 0].long() * 3 + anchor) * grid + cell[:, 1]) * grid + cell[:, 0]


def loss(raws: list[torch.Tensor], boxes: torch.Tensor, classes: int) -> torch.Tensor:
    """GIoU, objectness and class loss, each a sum over the number of answering anchors. Boxes: (image, class, cx, cy, w, h)."""
    cross = nn.functional.binary_cross_entropy_with_logits
    box_loss = object_loss = class_loss = torch.zeros(())
    answers = 0
    for level, raw in enumerate(raws):
        batch, _, grid, _ = raw.shape
        logits = raw.reshape(batch, 3, 5 + classes, grid, grid).permute(0, 1, 3, 4, 2).reshape(-1, 5 + classes)
        decoded = decode(raw, level, classes).reshape(-1, 5 + classes)
        box, place = _matches(boxes, level, grid)
        overlap, generalized = generalized_overlap(decoded[place], boxes[box, 2:6])
        wanted = torch.zeros(len(logits))
        wanted[place] = 1.0
        box_loss = box_loss + (1 - generalized).sum()
        object_loss = object_loss + cross(logits[:, 4], wanted, reduction="sum")
        kinds = nn.functional.one_hot(boxes[box, 1].long(), classes).float()
        class_loss = class_loss + cross(logits[place, 5:], kinds, reduction="sum")
        answers += len(box)
    return (3 * box_loss + object_loss + class_loss) / max(answers, 1)
