"""Composition: settings in, a runtime out. Every process begins here."""

from app.runtime import context
from app.runtime.blobs import FolderBlobs
from app.runtime.context import Runtime
from app.runtime.db import connect
from app.runtime.search import engines
from app.runtime.settings import Settings
from annotations.search.schema import FIELDS


def build(settings: Settings | None = None) -> Runtime:
    """The runtime of this process, made from the settings and set as the current one. Nothing is migrated here."""
    settings = settings or Settings()
    runtime = Runtime(
        settings=settings,
        database=connect(settings.database),
        blobs=FolderBlobs(settings.blobs_dir),
        search=engines.connect(settings, FIELDS),
    )
    context.use(runtime)
    return runtime
