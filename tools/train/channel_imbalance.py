"""Folding of BatchNorm, and rescaling of channels that leaves a network's function as it is but unbalances its ranges.

Between two convolutions with only ReLU6 between them, a channel may be made s times as large by the first and 1/s as large by the
second, as long as it never reaches the bound 6 on real data. Trained mobile networks have such channels of their own (a
BatchNorm may leave any scale to the convolution behind it); here they are put in on purpose, seeded, so that the test model
shows the trouble whatever its training made of it: with one scale for a whole weight tensor the small channels vanish. Weight
equalization finds the inverse factors.
"""

import numpy as np
import torch
from torch import nn

from objects_cnn_network import InvertedResidual

BOUND = 6.0
SEED = 11


def fold_batch_norm(network: nn.Module) -> None:
    """Puts each BatchNorm into the convolution before it, in place; the network must be in eval mode."""
    for module in list(network.modules()):
        if not isinstance(module, nn.Sequential):
            continue
        for index in range(len(module) - 1):
            if isinstance(module[index], nn.Conv2d) and isinstance(module[index + 1], nn.BatchNorm2d):
                module[index] = nn.utils.fuse_conv_bn_eval(module[index], module[index + 1])
                module[index + 1] = nn.Identity()


def largest_activations(network: nn.Module, batches: list[torch.Tensor]) -> dict[nn.Module, torch.Tensor]:
    """The largest value of each channel behind every ReLU6."""
    largest: dict[nn.Module, torch.Tensor] = {}

    def watch(module: nn.Module, _inputs, output: torch.Tensor) -> None:
        found = output.amax((0, 2, 3))
        largest[module] = torch.maximum(largest[module], found) if module in largest else found

    hooks = [module.register_forward_hook(watch) for module in network.modules() if isinstance(module, nn.ReLU6)]
    with torch.no_grad():
        for batch in batches:
            network(batch)
    for hook in hooks:
        hook.remove()
    return largest


def unbalance(network: nn.Module, batches: list[torch.Tensor], least: float) -> int:
    """Rescales the channels between the convolutions of every inverted residual, by factors between `least` and what the bound
    allows, log-uniform. Returns how many channels took part. BatchNorm must be folded."""
    rng = np.random.default_rng(SEED)
    largest = largest_activations(network, batches)
    changed = 0
    for block in network.modules():
        if not isinstance(block, InvertedResidual):
            continue
        steps = [layer for layer in block.layers if not isinstance(layer, nn.Identity)]
        for first, bound, second in zip(steps, steps[1:], steps[2:]):
            if not (isinstance(first, nn.Conv2d) and isinstance(bound, nn.ReLU6) and isinstance(second, nn.Conv2d)):
                continue
            for channel, reached in enumerate(largest[bound].tolist()):
                # Real images may exceed what these reached by some; channels near the bound stay as they are.
                room = 0.8 * BOUND / max(reached, 1e-3)
                draw = rng.uniform()
                if room < 1:
                    continue
                factor = float(np.exp(np.log(least) + draw * (np.log(min(room, 8.0)) - np.log(least))))
                with torch.no_grad():
                    first.weight[channel] *= factor
                    first.bias[channel] *= factor
                    if second.groups == 1:
                        second.weight[:, channel] /= factor
                    else:
                        second.weight[channel] /= factor
                changed += 1
    return changed
