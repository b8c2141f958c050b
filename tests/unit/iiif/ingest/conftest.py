"""Small pictures on disk, and an ingest that tells what it did."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from app.runtime.context import Runtime
from iiif.catalogue import service
from iiif.catalogue.model import Media, Specimen
from iiif.ingest.reasons import CODES
from iiif.ingest.report import IngestReport
from iiif.ingest.run import ingest

Ingest = Callable[..., IngestReport]


@pytest.fixture
def take_in(runtime: Runtime) -> Ingest:
    """Ingest without analysis."""

    def run(*paths: Path, **options: Path) -> IngestReport:
        report = ingest(runtime, paths, on_media=lambda session, media: None, progress=lambda done, total: None, **options)
        assert set(report.codes) <= set(CODES)
        return report

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for images."""
    path = tmp_path / "images"
    path.mkdir()
    return path


def picture(path: Path, shade: int = 120, size: tuple[int, int] = (60, 40), **options: object) -> Path:
    """A small picture of noise, so that no two have the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.effect_noise(size, 40).point(lambda value: (value + shade) % 256).convert("RGB").save(path, **options)
    return path


def all_of(runtime: Runtime) -> tuple[dict[str, Specimen], dict[str, list[Media]]]:
    """Specimens by catalogue number, and the images of each."""
    with runtime.reads.begin() as session:
        found = {one.catalog_number: one for one in service.list_specimens(session, limit=1000)}
        return found, {number: list(service.media_of(session, one.key)) for number, one in found.items()}


def reasons(report: IngestReport) -> list[tuple[str, str]]:
    """What was refused or doubtful, and where."""
    return sorted((entry.code, entry.place) for entry in report.entries)
