"""What making a pyramid costs, and what one tile costs: `python -m tests.bench.image`.

Each derivative is made in a process of its own, whose peak memory (VmHWM, everything counted: Python, libvips, buffers) is
reported beside what the process had before it began. Tiles are timed through the WSGI application, in CPU time of this
process, without the web server. These are measurements of one machine, not assertions.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import click
import numpy as np
import pyvips
from werkzeug.test import create_environ

from app import compose
from app.runtime.blobs import FolderBlobs
from app.runtime.settings import Settings
from app.web import create_app
from app.web.fast_images import FastImages
from iiif.catalogue import service as catalogue
from iiif.image import gallery, service
from iiif.image.actors import derive_image

WIDTH, HEIGHT = 8000, 12000
MASTERS = {
    "JPEG": {"suffix": ".jpg", "Q": 92},
    "JPEG, turned (EXIF 6)": {"suffix": ".jpg", "Q": 92, "orientation": 6},
    "TIFF, LZW": {"suffix": ".tif", "compression": "lzw", "predictor": "horizontal"},
}
ROUNDS = 3000


def draw(path: Path, options: dict[str, Any]) -> None:
    """A sheet of 96 million pixels: soft shapes with paper grain."""
    soft = pyvips.Image.perlin(WIDTH, HEIGHT, cell_size=400, seed=1).linear(60, 170)
    grain = pyvips.Image.gaussnoise(WIDTH, HEIGHT, sigma=6, mean=0, seed=2)
    bands = [(soft * weight + grain).cast("uchar") for weight in (1.0, 0.95, 0.8)]
    image = bands[0].bandjoin(bands[1:]).copy(interpretation="srgb")
    orientation = options.get("orientation")
    if orientation:
        image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    image.write_to_file(str(path), **{name: value for name, value in options.items() if name not in ("suffix", "orientation")})


def derive_alone(folder: Path, sha256: str) -> None:
    """In a process of its own: make the derivative and print what it took."""
    before_mb = _peak_mb()
    began = time.perf_counter()
    service.make_derivative(FolderBlobs(folder), sha256, max_pixels=10**9)
    seconds, usage = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    cpu = usage.ru_utime + usage.ru_stime
    click.echo(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "peak_mb": _peak_mb(), "before_mb": before_mb}))


def ingest(folder: Path) -> None:
    """One line for each kind of master."""
    for name, options in MASTERS.items():
        path = folder / f"master{options['suffix']}"
        draw(path, options)
        blobs = FolderBlobs(folder / "blobs")
        sha256, size = blobs.adopt(path)
        command = [sys.executable, "-m", "tests.bench.image", str(blobs.root), sha256]
        told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        click.echo(
            f"{name}, {WIDTH * HEIGHT / 1e6:.0f} Mpx, {size / 1e6:.0f} MB: "
            f"{told['seconds']:.2f} s ({told['cpu_seconds']:.2f} s CPU), "
            f"peak {told['peak_mb']:.0f} MB, of which {told['before_mb']:.0f} MB before it began"
        )
        blobs.delete(sha256)


def tiles(folder: Path) -> None:
    """CPU time of a request through the application."""
    runtime = compose.build(Settings(data_dir=folder))
    compose.prepare(runtime)
    noise = np.random.default_rng(3).integers(90, 220, (3000, 4000, 3), dtype=np.uint8)
    picture = pyvips.Image.new_from_array(noise, interpretation="srgb").gaussblur(3)
    sha256, size = runtime.blobs.put(BytesIO(picture.write_to_buffer(".jpg")))
    with runtime.db.begin() as session:
        draft = catalogue.SpecimenDraft("bench", {"catalogNumber": "bench"}, {}, "bench")
        specimen = catalogue.add_specimen(session, draft, naan=runtime.settings.naan, at=runtime.clock())
        media_draft = catalogue.MediaDraft(specimen.key, sha256, size, "image/jpeg", "bench.jpg")
        media = catalogue.add_media(session, media_draft, naan=runtime.settings.naan, at=runtime.clock())
    derive_image.fn(media.key)
    application = FastImages(create_app(runtime).wsgi_app, gallery.of(runtime))
    asked = {
        "a tile of 512": ("0,0,1024,1024/512,512/0/default.jpg", ROUNDS),
        "an edge tile": ("3584,2560,416,440/416,440/0/default.jpg", ROUNDS),
        "info.json": ("info.json", ROUNDS),
        "the thumbnail": ("full/500,375/0/default.jpg", ROUNDS),
        "an unaligned region 1000 to 500": ("101,101,1000,1000/500,500/0/default.jpg", 100),
        "1500 wide": ("full/1500,/0/default.jpg", 10),
    }
    for name, (path, rounds) in asked.items():
        environ = create_environ(f"/iiif/3/{media.key}/{path}")
        began = time.process_time()
        for _ in range(rounds):
            for _ in application(environ, lambda *_: lambda _: None):
                pass
        click.echo(f"{name}: {(time.process_time() - began) * 1000 / rounds:.3f} ms CPU in the application")
    runtime.search.close()
    runtime.database.engine.dispose()


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))) / 1000


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        ingest(Path(name))
        tiles(Path(name))


if __name__ == "__main__":
    if len(sys.argv) == 3:
        derive_alone(Path(sys.argv[1]), sys.argv[2])
    else:
        main()
