"""The network of objects-cnn: a small relative of MobileNetV2.

It is made of the pieces that decide how well INT8 quantization of a mobile network goes: a stem, depthwise 3x3
convolutions between 1x1 convolutions, ReLU6 inside the blocks, linear bottlenecks that feed residual Adds, a MaxPool,
one 5x5 depthwise convolution, a global average and a Linear.
"""

import torch
from torch import nn


def conv_norm(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs)]


class InvertedResidual(nn.Module):
    """Expand with 1x1, filter with a depthwise convolution, project with a linear 1x1; add the input where shapes agree."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int = 1, kernel: int = 3):
        super().__init__()
        hidden = inputs * expansion
        layers: list[nn.Module] = []
        if expansion != 1:
            layers += [*conv_norm(inputs, hidden, 1), nn.ReLU6()]
        layers += [*conv_norm(hidden, hidden, kernel, stride, groups=hidden), nn.ReLU6()]
        layers += conv_norm(hidden, outputs, 1)
        self.layers = nn.Sequential(*layers)
        self.is_residual = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.layers(x) if self.is_residual else self.layers(x)


class ObjectsCnn(nn.Module):
    """RGB 64x64, already normalised, to one logit for each class."""

    def __init__(self, classes: int):
        super().__init__()
        self.stem = nn.Sequential(*conv_norm(3, 16, 3, stride=2), nn.ReLU())
        self.blocks = nn.Sequential(
            InvertedResidual(16, 16, expansion=1),
            nn.MaxPool2d(2),
            InvertedResidual(16, 24, expansion=4),
            InvertedResidual(24, 24, expansion=3),
            InvertedResidual(24, 40, expansion=4, stride=2, kernel=5),
            InvertedResidual(40, 40, expansion=4),
            InvertedResidual(40, 40, expansion=4),
            InvertedResidual(40, 64, expansion=4, stride=2),
            InvertedResidual(64, 64, expansion=4),
            InvertedResidual(64, 64, expansion=4),
        )
        self.head = nn.Sequential(*conv_norm(64, 160, 1), nn.ReLU())
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(160, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.head(self.blocks(self.stem(x)))
        return self.classifier(torch.flatten(self.pool(x), 1))
