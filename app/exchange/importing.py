"""An import: opened with its run, read and taken in, ended with its report; by the command line at once, by HTTP as a job."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analytics import imports
from annotations import creators
from annotations.exchange import formats, importing
from annotations.exchange.classes import ClassMap
from annotations.exchange.import_report import ImportReport
from annotations.exchange.importing import Import
from annotations.exchange.model import Files, ReadOptions
from annotations.exchange.stored import SourceFile
from annotations.model import LAYERS, Layer
from app.exchange import files as sources
from app.runtime.context import Runtime
from app.runtime.errors import DomainError, Invalid
from app.runtime.principal import Principal, require
from iiif.image.service import DecodeLimits
from iiif.ingest.model import IngestLimits


@dataclass(frozen=True, slots=True)
class AskedImport:
    """How a file is to be read. `classes` is the text of a table of CSV, empty for none."""

    format: str
    layer: Layer = "people"
    classes: str = ""
    dry: bool = True
    options: Mapping[str, str] | None = None

    def check(self) -> None:
        """Raises Invalid."""
        if formats.format_of(self.format).read is None:
            raise Invalid(f"{self.format} is only written.", parameter="format")
        if self.layer not in LAYERS:
            raise Invalid(f"layer is one of {', '.join(LAYERS)}.", parameter="layer")
        ClassMap.read(self.classes)
        self.read_options()

    def read_options(self) -> ReadOptions:
        """Raises Invalid for an option that there is not."""
        return ReadOptions.parse(self.options or {})


def run(
    runtime: Runtime,
    path: Path,
    asked: AskedImport,
    by: Principal,
    *,
    name: str = "",
    run_key: str = "",
    opened: Callable[[str], None] | None = None,
    progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Read the file, folder or archive, and take in what it says; for a dry run only look.

    `run_key` is that of a run that was opened before, by an import that was broken off; `opened` is told a new one.

    Raises Invalid where nothing of it can be read; what came in before that stays, under its run.
    """
    asked.check()
    require(by, "curate")
    name, sha256 = name or path.name, sources.digest(path)
    with sources.opened(path, IngestLimits(DecodeLimits.of(runtime.settings), runtime.settings.max_file_bytes)) as files:
        if not asked.dry and not run_key:
            run_key = _open_run(runtime, name, sha256, asked, by)
            if opened is not None:
                opened(run_key)
        import_ = _import(runtime, name, sha256, asked, by, run_key)
        try:
            report = importing.take_in(import_, lambda: _read(files, asked), progress)
        except DomainError as error:
            _end(runtime, run_key, str(error))
            raise
        _end(runtime, run_key, "")
    return report


def _import(runtime: Runtime, name: str, sha256: str, asked: AskedImport, by: Principal, run_key: str) -> Import:
    iri = runtime.addresses.run(run_key) if run_key else ""
    source = SourceFile(name, sha256, iri, creators.creator(by, runtime.addresses))
    report = ImportReport(asked.format, name, sha256, asked.dry, run=iri)
    return Import(runtime, by, source, ClassMap.read(asked.classes), report, run_key, asked.layer)


def _open_run(runtime: Runtime, name: str, sha256: str, asked: AskedImport, by: Principal) -> str:
    parameters = {"format": asked.format, "layer": asked.layer, "file": name, "sha256": sha256, **dict(asked.options or {})}
    with runtime.db.begin() as session:
        opened = imports.open_import(session, name, parameters, by=by, naan=runtime.settings.naan, at=runtime.clock())
    return opened.key


def _end(runtime: Runtime, run_key: str, reason: str) -> None:
    if run_key:
        with runtime.db.begin() as session:
            imports.end_import(session, run_key, at=runtime.clock(), reason=reason)


def _read(files: Files, asked: AskedImport) -> Any:
    reader = formats.format_of(asked.format).read
    if reader is None:
        raise Invalid(f"{asked.format} is only written.", parameter="format")
    return reader(files, asked.read_options())
