"""What making a derivative costs: `python -m tests.bench.ingest`.

Each is made by a process of its own, whose decoding child is measured as the system measured it: its time on the clock, with its
start, its CPU time, and its peak of resident memory (everything counted: Python, libvips, buffers, mapped files). These are
measurements of one machine, not assertions.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pyvips
from PIL import Image

from app.runtime.blobs import FolderBlobs
from iiif.image import service
from iiif.image.masters import decoder_client
from tests.bench import scene
from tests.unit.iiif.image.pictures import adobe_rgb_profile

LIMITS = service.DecodeLimits(max_pixels=10**9, seconds=300, address_space=6_000_000_000)
ROUNDS = 3
Draw = Callable[[pyvips.Image, Path], None]


def tagged(image: pyvips.Image, path: Path) -> None:
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", adobe_rgb_profile())
    image.jpegsave(str(path), Q=92)


def turned(image: pyvips.Image, path: Path) -> None:
    image.set_type(pyvips.GValue.gint_type, "orientation", 6)
    image.jpegsave(str(path), Q=92)


def jpeg2000(image: pyvips.Image, path: Path) -> None:
    """In tiles, as digitisation services write it."""
    picture = Image.fromarray(image.numpy())
    picture.save(path, "JPEG2000", tile_size=(1024, 1024), quality_mode="dB", quality_layers=[42])


MASTERS: dict[str, Draw] = {
    "JPEG": lambda image, path: image.jpegsave(str(path), Q=92),
    "JPEG, turned (EXIF 6)": turned,
    "JPEG, Adobe RGB": tagged,
    "JPEG, progressive": lambda image, path: image.jpegsave(str(path), Q=92, interlace=True),
    "TIFF, LZW": lambda image, path: image.tiffsave(str(path), compression="lzw", predictor="horizontal"),
    "TIFF, 16 bit": lambda image, path: (
        (image.cast("ushort") * 257).cast("ushort").copy(interpretation="rgb16").tiffsave(str(path))
    ),
    "PNG": lambda image, path: image.pngsave(str(path), compression=1),
    "JPEG 2000, tiled": jpeg2000,
}


def derive_alone(folder: Path, sha256: str) -> None:
    """In a process of its own: make the derivative and print what its child took."""
    began = time.perf_counter()
    service.make_derivative(FolderBlobs(folder), sha256, LIMITS)
    seconds = time.perf_counter() - began
    decoder_client.end_children()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = {"seconds": seconds, "cpu_seconds": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss / 1000}
    click.echo(json.dumps(told))


def measure(blobs: FolderBlobs, path: Path) -> dict[str, Any]:
    """The best of ROUNDS, for what else the machine does only ever adds; memory is the worst."""
    sha256, size = blobs.adopt(path)
    command = [sys.executable, "-m", "tests.bench.ingest", str(blobs.root), sha256]
    rounds = [json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(ROUNDS)]
    blobs.delete(sha256)
    best = {name: min(each[name] for each in rounds) for name in ("seconds", "cpu_seconds")}
    return best | {"peak_mb": max(each["peak_mb"] for each in rounds), "size_mb": size / 1e6}


def main() -> None:
    """One line for each kind of master of the same 96 million pixels."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        drawn, blobs = folder / "scene.png", FolderBlobs(folder / "blobs")
        blobs.prepare(used=False)
        scene.draw(drawn, compression=1)
        for kind, draw in MASTERS.items():
            path = folder / "master"
            draw(pyvips.Image.new_from_file(str(drawn)).copy(), path)
            told = measure(blobs, path)
            click.echo(
                f"{kind}, {scene.WIDTH * scene.HEIGHT / 1e6:.0f} Mpx, {told['size_mb']:.0f} MB: {told['seconds']:.2f} s "
                f"({told['cpu_seconds']:.2f} s CPU), peak {told['peak_mb']:.0f} MB"
            )


if __name__ == "__main__":
    if len(sys.argv) == 3:
        derive_alone(Path(sys.argv[1]), sys.argv[2])
    else:
        main()
