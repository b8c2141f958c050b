"""What a working hub needs, checked one by one; each finding says what is so, and what to do where it is wrong."""

import http.client
import importlib
import importlib.metadata
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import redis
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from annotations.search import audience
from app import compose, machine, migrate, proxy
from app.machine import Unwell
from app.runtime import disk, outbox
from app.runtime.blobs import StoreAway
from app.runtime.context import Runtime
from app.runtime.errors import DomainError
from app.runtime.search.port import Everything
from app.runtime.settings import Settings

LATE_S = 5.0  # seconds after which a change should long be in the index
ASSETS = Path(__file__).parent / "web" / "assets"
OPENCV = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that was looked at."""

    name: str
    well: bool
    says: str


def examine(runtime: Runtime) -> tuple[Diagnosis, ...]:
    """Everything, in the order in which to put it right."""
    settings = runtime.settings
    checks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("base URL", lambda: _base_url(settings)),
        ("data folder", lambda: _writable(settings.data_dir)),
        *_services(runtime),
        ("blobs", lambda: _blobs(runtime) and _writable(settings.blobs_dir)),
        ("OpenCV", _opencv),
        ("web assets", _assets),
        ("libvips", machine.libvips),
        ("lossless crop", machine.lossless_crop),
        ("decoders", machine.decoders),
        ("open files", lambda: machine.open_files(settings)),
        ("disk", lambda: machine.room_for_blobs(settings)),
        ("picture cache", lambda: machine.room_for_pictures(settings)),
        ("scratch", machine.scratch),
        ("clock", lambda: machine.clock(runtime)),
    )
    found = tuple(_try(name, check) for name, check in checks)
    if not all(one.well for one in found if one.name in ("base URL", "database", "migrations")):
        return found
    return found + tuple(_try(name, check) for name, check in proxy.checks(runtime))


def readiness(runtime: Runtime) -> tuple[Diagnosis, ...]:
    """What a request needs: database, migrations, search, broker, the stored files."""
    checks = (*_services(runtime), ("blobs", lambda: _blobs(runtime)))
    return tuple(_try(name, check) for name, check in checks)


def _services(runtime: Runtime) -> tuple[tuple[str, Callable[[], str]], ...]:
    return (
        ("database", lambda: _database(runtime)),
        ("migrations", lambda: _migrations(runtime)),
        ("search", lambda: _search(runtime)),
        ("broker", lambda: _broker(runtime.settings)),
        ("room", lambda: _room(runtime.settings)),
    )


def _try(name: str, check: Callable[[], str]) -> Diagnosis:
    try:
        return Diagnosis(name, True, check())
    except (DomainError, SQLAlchemyError, redis.RedisError, OSError, http.client.HTTPException) as error:
        return Diagnosis(name, False, str(error).split("\n")[0] or type(error).__name__)


def _base_url(settings: Settings) -> str:
    parts = urlsplit(settings.base_url)
    if parts.hostname in ("127.0.0.1", "localhost") and settings.host not in ("127.0.0.1", "localhost"):
        raise Unwell(f"ids would begin with {settings.base_url}, which others cannot reach: set LECTOTYPE_BASE_URL")
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost"):
        return f"{settings.base_url}; signing in wants https, without which its cookie can be read and replaced on the way"
    return settings.base_url


def _writable(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder):
        return str(folder.resolve())


def _database(runtime: Runtime) -> str:
    engine = runtime.database.engine
    with runtime.reads.begin() as session:
        session.scalar(text("SELECT 1"))
    return f"{engine.dialect.name} at {engine.url.render_as_string(hide_password=True)}"


def _migrations(runtime: Runtime) -> str:
    with runtime.database.reads.begin() as session:
        stands, newest = migrate.current(session.connection()), migrate.newest()
    if stands != newest:
        raise Unwell(f"the database stands at {stands or 'nothing'}, the code at {newest}: run `lectotype migrate`")
    return stands


def _search(runtime: Runtime) -> str:
    found, standing = runtime.search.find(Everything(), limit=1), runtime.search.standing()
    with runtime.reads.begin() as session:
        if standing.state == "none" and migrate.current(session.connection()) == migrate.newest():
            audience.check_index(session, runtime.search)
        since = outbox.waiting_since(session, "index") if migrate.current(session.connection()) == migrate.newest() else None
    parts = [f"{'Elasticsearch' if runtime.settings.search_url else 'embedded'}, {found.total} documents"]
    parts += ["it is of another version"] if standing.state == "other" else []
    parts += ["it is being made anew"] if standing.rebuilding else []
    waited = (runtime.clock() - since).total_seconds() if since else 0.0
    parts += [f"changes have waited for it for {waited:.0f} s"] if waited > LATE_S else []
    return "; ".join(parts)


def _broker(settings: Settings) -> str:
    if not settings.broker_url:
        return "the jobs table"
    with redis.Redis.from_url(settings.broker_url, socket_timeout=5, socket_connect_timeout=5) as client:
        client.ping()
    return "Redis"


def _blobs(runtime: Runtime) -> str:
    """Whether the stored files are where they should be; nothing is written."""
    try:
        runtime.blobs.check()
    except StoreAway:
        if _migrations(runtime) and compose.names_blobs(runtime):
            raise
        raise Unwell("there is no folder for files yet: run `lectotype migrate`") from None
    return str(runtime.settings.blobs_dir.resolve())


def _room(settings: Settings) -> str:
    """For what requests write: the database, blobs, the outbox."""
    for folder in {settings.data_dir, settings.blobs_dir}:
        disk.check_room(folder)
    return disk.check_room(settings.data_dir)


def _opencv() -> str:
    installed = [name for name in OPENCV if _version(name)]
    if len(installed) != 1:
        raise Unwell(
            f"{len(installed)} distributions of OpenCV are installed ({', '.join(installed) or 'none'}), and they overwrite "
            "one another: uninstall all of them, then install opencv-python-headless alone"
        )
    try:
        importlib.import_module("cv2")
    except ImportError as error:
        hint = "; it wants the graphics library libGL: install opencv-python-headless instead" if "libGL" in str(error) else ""
        raise Unwell(f"{installed[0]} cannot be imported: {error}{hint}") from error
    return f"{installed[0]} {_version(installed[0])}"


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _assets() -> str:
    if not any(ASSETS.glob("*.js")) and not any(ASSETS.glob("**/*.js")):
        raise Unwell("the viewer is missing: run `make assets` (needs npm), or install the wheel")
    return str(ASSETS)
