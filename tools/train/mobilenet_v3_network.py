"""The network of objects-mobilenetv3: MobileNetV3 (Howard et al., 2019) at a size for 64x64 images.

Inverted residuals as in MobileNetV2, with ReLU in the early ones and hard-swish in the later, and squeeze-excite (global
average, two 1x1 convolutions, hard-sigmoid, product) between the depthwise and the projecting convolution.
"""

import torch
from torch import nn

from objects_cnn_network import conv_norm

# (outputs, hidden channels, kernel, squeeze-excite, hard-swish, stride) of each block.
BLOCKS = (
    (16, 32, 3, True, False, 2),
    (24, 72, 3, False, False, 1),
    (24, 72, 3, False, False, 1),
    (40, 96, 5, True, True, 2),
    (40, 160, 5, True, True, 1),
    (48, 160, 3, True, True, 1),
    (64, 224, 3, True, True, 2),
    (64, 256, 3, True, True, 1),
)


class SqueezeExcite(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        squeezed = max(8, channels // 4 // 8 * 8)
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, squeezed, 1), nn.ReLU(), nn.Conv2d(squeezed, channels, 1), nn.Hardsigmoid()
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.gate(x)


class Block(nn.Module):
    def __init__(self, inputs: int, row: tuple):
        super().__init__()
        outputs, hidden, kernel, excite, hard_swish, stride = row
        activation = nn.Hardswish if hard_swish else nn.ReLU
        layers = [*conv_norm(inputs, hidden, 1), activation(), *conv_norm(hidden, hidden, kernel, stride, groups=hidden), activation()]
        if excite:
            layers.append(SqueezeExcite(hidden))
        self.layers = nn.Sequential(*layers, *conv_norm(hidden, outputs, 1))
        self.is_residual = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.layers(x) if self.is_residual else self.layers(x)


class ObjectsMobileNetV3(nn.Module):
    """RGB 64x64, already normalised, to one logit for each class."""

    def __init__(self, classes: int):
        super().__init__()
        self.stem = nn.Sequential(*conv_norm(3, 16, 3, stride=2), nn.Hardswish())
        widths = [16, *(row[0] for row in BLOCKS)]
        self.blocks = nn.Sequential(*[Block(widths[index], row) for index, row in enumerate(BLOCKS)])
        self.head = nn.Sequential(*conv_norm(widths[-1], 192, 1), nn.Hardswish())
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Linear(192, 128), nn.Hardswish(), nn.Linear(128, classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.head(self.blocks(self.stem(x)))
        return self.classifier(torch.flatten(self.pool(x), 1))
