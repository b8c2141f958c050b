"""Composition: settings in, a runtime out. Every process begins here."""

from sqlalchemy.orm import Session

from analytics import service as analytics
from annotations import masks, targets
from annotations.search.schema import FIELDS, SHOWING_PLACES
from app import migrate
from app.backup import before_migration
from app.runtime import context
from app.runtime.blobs import FolderBlobs
from app.runtime.context import Runtime
from app.runtime.db import connect
from app.runtime.principal import Principal
from app.runtime.search import engines
from app.runtime.settings import Settings
from iiif.catalogue import service as catalogue
from iiif.ingest import service as ingests


def build(settings: Settings | None = None) -> Runtime:
    """The runtime of this process, made from the settings and set as the current one. Nothing is migrated here."""
    settings = settings or Settings()
    runtime = Runtime(
        settings=settings,
        database=connect(settings.database),
        blobs=FolderBlobs(settings.blobs_dir),
        search=engines.connect(settings, SHOWING_PLACES if settings.show_withheld_places else FIELDS),
    )
    targets.recognise("run", _is_run)
    context.use(runtime)
    return runtime


def _is_run(session: Session, key: str) -> bool:
    """Whether it is a run of the analysis or an ingest."""
    return analytics.exists(session, key) or key in ingests.by_key(session, [key], by=Principal.of_system())


def prepare(runtime: Runtime, before: migrate.Before | None = None) -> None:
    """Make the data folder and bring the database to the newest migration; safe to repeat, and from several processes at once.

    `before` is what has to happen before a used database is changed; by default what `before_migration.usual` says. Raises
    BackupWanted, DiskFull, StoreAway.
    """
    runtime.settings.data_dir.mkdir(parents=True, exist_ok=True)
    migrate.upgrade(runtime.database, before=before or before_migration.usual(runtime), naan=runtime.settings.naan)
    runtime.blobs.prepare(used=names_blobs(runtime))
    runtime.blobs.sweep()


def names_blobs(runtime: Runtime) -> bool:
    """Whether the database names any blob."""
    with runtime.reads.begin() as session:
        return bool(catalogue.list_media(session, limit=1)) or bool(masks.page(session, limit=1))
