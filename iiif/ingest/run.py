"""One ingest: open each path, load what it yields, and report."""

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from app.runtime.context import Runtime
from iiif.image.masters.decoder_protocol import DecodeLimits
from iiif.ingest.errors import HUB_IS_AWAY
from iiif.ingest.load import Loader, OnMedia
from iiif.ingest.model import IngestIssue, IngestLimits, IngestSource, Place, Progress, SourceError, readable
from iiif.ingest.report import IngestReport
from iiif.ingest.sources import Options, open_source

log = structlog.get_logger()
NOTHING = IngestIssue("nothing-found", "There are no images here, and no table of specimens.")


def ingest(
    runtime: Runtime,
    paths: Iterable[Path],
    *,
    on_media: OnMedia,
    progress: Progress,
    images: Path | None = None,
    csv: Path | None = None,
    report: IngestReport | None = None,
) -> IngestReport:
    """Take in everything at the paths, in transactions of its own. Never raises for what a file holds, but goes on."""
    settings = runtime.settings
    limits = IngestLimits(DecodeLimits.of(settings), settings.max_file_bytes, settings.max_rows)
    loader = Loader(runtime, limits, on_media, runtime.clock())
    report, paths = report or IngestReport(), tuple(paths)
    with _few_collections():
        for path in paths:
            prefix = readable(path.name or str(path)) if len(paths) > 1 else ""
            _take(path, Options(images, csv, prefix), loader, report, progress)
    return report


@contextmanager
def _few_collections() -> Iterator[None]:
    """The values of rows make no cycles: the collector looks for some seldom, and not among what was there before."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _take(path: Path, options: Options, loader: Loader, report: IngestReport, progress: Progress) -> None:
    """Take in one path, or say why not."""
    name, before = readable(path.name or str(path)), (report.records, report.rejected)
    try:
        _take_path(path, options, loader, report, progress)
    except SourceError as error:
        _refuse(report, error.source or name, error)
    except OSError as error:
        report.add(Place("", 0, name), "", IngestIssue("unreadable", f"It could not be read ({error.strerror or error})."))
    if (report.records, report.rejected) == before:
        report.add(Place("", 0, name), "", NOTHING)


def _take_path(path: Path, options: Options, loader: Loader, report: IngestReport, progress: Progress) -> None:
    with open_source(path, loader.limits, loader.runtime.settings.data_dir / "incoming", options) as sources:
        for source in sources:
            if isinstance(source, SourceError):
                _refuse(report, source.source, source)
                continue
            _load(source, loader, report, progress)


def _load(source: IngestSource, loader: Loader, report: IngestReport, progress: Progress) -> None:
    """Whatever ends one source, the next one follows; only a database or store that is away or full ends the ingest."""
    place = Place("", 0, readable(source.name))
    try:
        loader.load(source, report, progress)
    except SourceError as error:  # found out only on the way, as that a later file is in no encoding at all
        _refuse(report, source.name, error)
    except OSError as error:
        report.add(place, "", IngestIssue("unreadable", f"Reading broke off ({error.strerror or error})."))
    except HUB_IS_AWAY:
        raise
    except Exception as error:
        log.exception("ingest.source", source=source.name)
        sentence = f"Reading broke off ({type(error).__name__}: {str(error)[:200]}); what came before is in."
        report.add(place, "", IngestIssue("internal-error", sentence))


def _refuse(report: IngestReport, name: str, error: SourceError) -> None:
    found = error.finding
    place = Place(found.place.file, found.place.line, readable(name)) if found.place else Place("", 0, readable(name))
    sentence = f"{found.sentence} {error.rows}" if error.rows else found.sentence
    issue = IngestIssue(found.code, sentence, found.column, found.value)
    report.add(place, "", issue)
