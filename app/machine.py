"""What `lectotype doctor` asks of this machine: libraries, limits, room, clock. Each check says what is so, or raises Unwell."""

import importlib
import importlib.util
import resource
import shutil
import tempfile
from pathlib import Path

import pyvips
from sqlalchemy import text

from app.runtime.context import Runtime
from app.runtime.errors import Unavailable
from app.runtime.settings import Settings
from iiif.catalogue import service as catalogue
from iiif.image.serving.open_images import KEPT_IMAGES

SPARE_FILES = 128  # databases, libraries, sockets that listen, logs
VIPS_NEEDED = tuple(f"{form}{what}" for form in ("jpeg", "png", "tiff", "webp", "heif", "gif") for what in ("load", "save"))
VIPS_OLDEST = (8, 16)
LEAST_ROOM = 1_000_000_000  # bytes for what the next images bring
LEAST_SCRATCH = 500_000_000  # bytes for decoding and uploads
MOST_SKEW_S = 5.0


class Unwell(Unavailable):
    """What is wrong and what to do."""


def open_files(settings: Settings) -> str:
    """Each web process keeps derivatives open, of so many images and again of so many names of theirs, and has two files for
    each request: the connection and what it sends."""
    need = 2 * KEPT_IMAGES + 4 * settings.web_threads + SPARE_FILES
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed != resource.RLIM_INFINITY and allowed < need:
        raise Unwell(
            f"a process may open {allowed} files and a web process needs {need}: raise the limit (ulimit -n, LimitNOFILE=)"
        )
    return f"{allowed} allowed, {need} needed"


def libvips() -> str:
    version = ".".join(str(pyvips.version(part)) for part in range(3))
    missing = [name for name in (*VIPS_NEEDED, "dzsave") if pyvips.type_find("VipsOperation", name) == 0]
    if missing:
        raise Unwell(f"libvips {version} lacks {', '.join(missing)}: install pyvips[binary]")
    if (pyvips.version(0), pyvips.version(1)) < VIPS_OLDEST:
        raise Unwell(f"libvips {version} is older than {'.'.join(map(str, VIPS_OLDEST))}: install pyvips[binary]")
    return f"{version}, all loaders and savers"


def lossless_crop() -> str:
    """Whether parts of JPEG tiles are cut out without encoding them once more."""
    if importlib.util.find_spec("turbojpeg") is None:
        raise Unwell("turbojpeg is missing, so edges of tiles are encoded once more at ingest: pip install turbojpeg")
    return "tiles are cut without encoding"


def decoders() -> str:
    """JPEG 2000 and camera RAW."""
    missing = [name for name in ("imagecodecs", "rawpy") if not _can_import(name)]
    if missing:
        raise Unwell(f"{' and '.join(missing)} cannot be imported: JPEG 2000 or camera RAW files are refused; pip install them")
    return "imagecodecs, rawpy"


def _can_import(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


def room_for_blobs(settings: Settings) -> str:
    return _room(settings.blobs_dir, LEAST_ROOM, "give the disk more room, or set LECTOTYPE_BLOBS_URL to another folder")


def room_for_pictures(settings: Settings) -> str:
    """The cache may grow to its cap, less what it holds already."""
    folder, most = settings.pictures_dir, settings.picture_cache_bytes
    held = sum(file.stat().st_size for file in folder.glob("[0-9a-f][0-9a-f]/*")) if folder.is_dir() else 0
    return _room(settings.data_dir, max(0, most - held), f"lower LECTOTYPE_PICTURE_CACHE_BYTES, which is {most}")


def scratch() -> str:
    folder = Path(tempfile.gettempdir())
    with tempfile.TemporaryFile(dir=folder):
        return _room(folder, LEAST_SCRATCH, "set TMPDIR to a folder with more room")


def clock(runtime: Runtime) -> str:
    """Beside that of the database server, where there is one, and beside the newest record."""
    with runtime.reads.begin() as session:
        newest = catalogue.latest_change(session)
        if newest is not None and (ahead := (newest - runtime.clock()).total_seconds()) > MOST_SKEW_S:
            raise Unwell(f"the newest record is {ahead:.0f} seconds ahead: the clock was set back; have this machine run NTP")
        if session.get_bind().dialect.name != "postgresql":
            return "one machine"
        theirs = float(session.scalar(text("SELECT extract(epoch FROM clock_timestamp())")) or 0)
    skew = abs(runtime.clock().timestamp() - theirs)
    if skew > MOST_SKEW_S:
        raise Unwell(f"the clock of this machine and that of the database differ by {skew:.0f} seconds: have both run NTP")
    return f"{skew:.1f} seconds from the database"


def _room(folder: Path, need: int, hint: str) -> str:
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < need:
        raise Unwell(f"{folder} has {free / 1e9:.1f} GB left and may need {need / 1e9:.1f}: {hint}")
    return f"{free / 1e9:.1f} GB left at {folder}"
