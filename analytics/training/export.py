"""From the trained network to the file that the steps load, with proof that both answer alike."""

import hashlib
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from analytics.training.errors import NetworksDisagree
from analytics.training.network import Components

OPSET = 17
SIDES = ((288, 224), (64, 160))  # pictures that both are asked about
MOST_APART = 1e-3  # of logits, which run from about -20 to 20


def export(network: Components, path: Path) -> str:
    """Write the network as ONNX, for pictures of any size in multiples of 32; `sha256:…` of the file. NetworksDisagree."""
    network.eval()
    part = path.with_suffix(".part")
    with warnings.catch_warnings():  # the exporter that needs no further package says that it is the older one
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.zeros(1, 3, *SIDES[0]),),
            str(part),
            input_names=["image"],
            output_names=["scores"],
            dynamic_axes={"image": {0: "n", 2: "height", 3: "width"}, "scores": {0: "n", 2: "rows", 3: "columns"}},
            opset_version=OPSET,
            dynamo=False,
        )
    check(network, part)
    part.replace(path)
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def check(network: Components, path: Path) -> float:
    """The greatest difference between the two on pictures of noise. NetworksDisagree where it is more than MOST_APART."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    apart = 0.0
    for number, sides in enumerate(SIDES):
        picture = np.random.default_rng(number).uniform(0, 255, (1, 3, *sides)).astype(np.float32)
        with torch.no_grad():
            trained = network(torch.from_numpy(picture)).numpy()
        (exported,) = session.run(None, {"image": picture})
        apart = max(apart, float(np.abs(trained - exported).max()))
    if not apart <= MOST_APART:
        raise NetworksDisagree(f"{path} answers otherwise than the trained network: logits differ by up to {apart:.3g}.")
    return apart
