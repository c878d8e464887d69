"""The network of objects-vit: a hybrid vision transformer (Dosovitskiy et al., 2020, section 3.1) at a size for 64x64 images.

The first blocks of objects-mobilenetv2 make an 8x8 grid of features, kept as they were trained there: patches alone need far more
data than this set has. Each is projected to a token, learned positions are added, and pre-norm encoder blocks follow. Attention is written out with MatMul and
Softmax, so that the exported graph has the operators that quantization is about.
"""

import math

import torch
from torch import nn

from mobilenet_v2_network import ObjectsMobileNetV2

STEM_BLOCKS = 5
STEM_CHANNELS = 32


class Attention(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, tokens, width = x.shape
        depth = width // self.heads
        q, k, v = self.qkv(x).reshape(batch, tokens, 3, self.heads, depth).permute(2, 0, 3, 1, 4).unbind(0)
        weights = torch.softmax(q @ k.transpose(-2, -1) * (1 / math.sqrt(depth)), dim=-1)
        return self.project((weights @ v).transpose(1, 2).reshape(batch, tokens, width))


class EncoderBlock(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.attention_norm, self.mlp_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attention(self.attention_norm(x))
        return x + self.mlp(self.mlp_norm(x))


class ObjectsVit(nn.Module):
    """RGB 64x64, already normalised, to one logit for each class, from a class token.

    `stem` makes the 8x8 grid of features; it comes with the weights that it was trained with elsewhere.
    """

    def __init__(self, stem: nn.Module, classes: int, width: int = 96, heads: int = 3, depth: int = 4):
        super().__init__()
        self.stem = stem
        self.embed = nn.Linear(STEM_CHANNELS, width)
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.randn(1, 65, width) * 0.02)
        self.blocks = nn.Sequential(*[EncoderBlock(width, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        self.classifier = nn.Linear(width, classes)

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """Features of the stem [N, 32, 8, 8] to logits."""
        tokens = self.embed(features.flatten(2).transpose(1, 2))
        x = torch.cat([self.class_token.expand(tokens.shape[0], -1, -1), tokens], 1) + self.positions
        return self.classifier(self.norm(self.blocks(x))[:, 0])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classify(self.stem(x))


def stem_of(network: ObjectsMobileNetV2) -> nn.Module:
    """The part of objects-mobilenetv2 that ends in 32 channels of 8x8."""
    return nn.Sequential(network.stem, *list(network.blocks)[:STEM_BLOCKS])
