"""One ingest: open each path, load what it yields, and report."""

from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from app.runtime.context import Runtime
from iiif.image.masters.decoder_protocol import DecodeLimits
from iiif.ingest.load import Loader, OnMedia
from iiif.ingest.model import IngestIssue, IngestLimits, Progress, SourceError
from iiif.ingest.report import IngestReport
from iiif.ingest.sources import expand, open_source

NOTHING = IngestIssue("nothing-found", "There are no images here, and no table of specimens.")


def ingest(
    runtime: Runtime,
    paths: Iterable[Path],
    *,
    on_media: OnMedia,
    progress: Progress,
    images: Path | None = None,
    csv: Path | None = None,
) -> IngestReport:
    """Take in everything at the paths. Opens its own transactions, one per record; never raises for what a file holds."""
    limits = IngestLimits(DecodeLimits.of(runtime.settings), runtime.settings.max_file_bytes)
    loader = Loader(runtime, limits, on_media, runtime.clock())
    report = IngestReport()
    for path in chain.from_iterable(expand(path) for path in paths):
        before = report.records
        try:
            with open_source(path, limits, runtime.settings.data_dir / "incoming", images=images, csv=csv) as source:
                loader.load(source, report, progress)
                if report.records == before:
                    report.reject(
                        source.name, "", IngestIssue("nothing-found", "There are no images here, and no table of specimens.")
                    )
        except SourceError as error:
            report.reject(path.name, "", error.finding)
    return report
