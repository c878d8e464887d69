"""The network of objects-mobilenetv2: MobileNetV2 (Sandler et al., 2018) at a size for 64x64 images.

Stem 3x3 with stride 2, inverted residuals with ReLU6 and linear bottlenecks, 1x1 head, global average, Linear. It uses the
same block as objects-cnn, with MobileNetV2's own layout: strides in the depthwise convolutions, no MaxPool, expansion 6 in
the deep part.
"""

import torch
from torch import nn

from objects_cnn_network import InvertedResidual, conv_norm

# (outputs, expansion, stride) of each inverted residual.
BLOCKS = (
    (16, 1, 2),
    (24, 4, 1),
    (24, 4, 1),
    (32, 4, 2),
    (32, 6, 1),
    (32, 6, 1),
    (48, 6, 1),
    (48, 6, 1),
    (64, 6, 2),
    (64, 6, 1),
)


class ObjectsMobileNetV2(nn.Module):
    """RGB 64x64, already normalised, to one logit for each class."""

    def __init__(self, classes: int):
        super().__init__()
        self.stem = nn.Sequential(*conv_norm(3, 16, 3, stride=2), nn.ReLU6())
        widths = [16, *(outputs for outputs, _, _ in BLOCKS)]
        self.blocks = nn.Sequential(
            *[InvertedResidual(widths[index], outputs, expansion, stride) for index, (outputs, expansion, stride) in enumerate(BLOCKS)]
        )
        self.head = nn.Sequential(*conv_norm(widths[-1], 192, 1), nn.ReLU6())
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(192, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.head(self.blocks(self.stem(x)))
        return self.classifier(torch.flatten(self.pool(x), 1))
