"""The network of objects-resnet: a residual network (He et al., 2015) with basic blocks, at a size for 64x64 images."""

import torch
from torch import nn

from objects_cnn_network import conv_norm


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut, which is a strided 1x1 convolution where the shape changes; ReLU after the sum."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.layers = nn.Sequential(*conv_norm(inputs, outputs, 3, stride), nn.ReLU(), *conv_norm(outputs, outputs, 3))
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else nn.Sequential(*conv_norm(inputs, outputs, 1, stride))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.layers(x) + self.shortcut(x))


class ObjectsResNet(nn.Module):
    """RGB 64x64, already normalised, to one logit for each class."""

    def __init__(self, classes: int):
        super().__init__()
        self.stem = nn.Sequential(*conv_norm(3, 24, 3, stride=2), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        self.blocks = nn.Sequential(
            BasicBlock(24, 24, 1),
            BasicBlock(24, 24, 1),
            BasicBlock(24, 48, 2),
            BasicBlock(48, 48, 1),
            BasicBlock(48, 88, 2),
            BasicBlock(88, 88, 1),
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(88, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(torch.flatten(self.pool(self.blocks(self.stem(x))), 1))
