"""One round of a harvest: walk from the source's address, take in what is new or changed, withdraw what is gone."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime

from app.runtime.context import Runtime
from app.runtime.file_lock import FileLock
from app.runtime.principal import Principal
from iiif.harvest import store
from iiif.harvest.errors import CannotFetch, HarvestUnderWay, NotReadable
from iiif.harvest.fetching import Fetched, Fetcher, Rules
from iiif.harvest.model import Reference, Source
from iiif.harvest.reading import id_of
from iiif.harvest.taking import OnStatements, Taker
from iiif.harvest.walking import Walk
from iiif.image.masters.decoder_protocol import DecodeLimits
from iiif.ingest.load import OnMedia
from iiif.ingest.model import IngestIssue, IngestLimits, Place, Progress
from iiif.ingest.report import IngestReport

PAGE = 500


def source_at(runtime: Runtime, address: str, rules: Rules, *, by: Principal) -> Source:
    """The source of that address, with these rules from now on."""
    with runtime.db.begin() as session:
        found = store.source_of(session, address)
        if found is not None:
            return found
        naan = runtime.settings.naan
        return store.add_source(session, address, asdict(rules), by=by.name, naan=naan, at=runtime.clock())


@contextmanager
def alone(runtime: Runtime, source: Source) -> Iterator[None]:
    """Nobody else harvests the source meanwhile: a round takes for gone what it did not name itself. Raises HarvestUnderWay."""
    folder = runtime.settings.data_dir / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"harvest-{source.key}.lock") as lock:
        if not lock.try_take():
            raise HarvestUnderWay(f"Another process harvests {source.address[:200]} at this moment.")
        yield


def harvest(
    runtime: Runtime,
    source: Source,
    rules: Rules,
    *,
    round_key: str,
    on_media: OnMedia,
    on_statements: OnStatements | None,
    progress: Progress,
    report: IngestReport,
) -> IngestReport:
    """Take in what the source has, `alone`, in transactions of its own, one for each manifest; a killed round is taken up again
    by the next one, which finds what is in. `round_key` is that of the ingest. Never raises for what another server sends."""
    fetcher = Fetcher(rules)
    folder = runtime.settings.data_dir / "incoming" / f"harvest-{source.key}"
    folder.mkdir(parents=True, exist_ok=True)
    settings = runtime.settings
    limits = IngestLimits(DecodeLimits.of(settings), min(settings.max_file_bytes, rules.max_image_bytes), settings.max_rows)
    taker = Taker(runtime, source, round_key, fetcher, limits, folder, on_media, on_statements, report)
    with runtime.db.begin() as session:
        store.begin_round(session, source.key, asdict(rules), round_key)

    def trouble(url: str, sentence: str) -> None:
        report.add(Place(url), "", IngestIssue("cannot-fetch", sentence))

    owed: list[datetime] = []  # when that changed which its server did not give
    walk = Walk(fetcher, trouble, source.seen_until)
    try:
        first = fetcher.document(source.address)
        if first is None:
            raise NotReadable(f"{source.address[:200]} answered 304 to a question without a condition.")
        for reference in walk.references(source.address, first.document):
            if report.records >= settings.max_rows:
                walk.is_whole, walk.has_missed = False, True
                trouble(source.address, f"It has more manifests than LECTOTYPE_MAX_ROWS allows ({settings.max_rows:,}).")
                break
            if not taker.take(reference, _given(reference, first)) and reference.at is not None:
                owed.append(reference.at)
            progress(report.records, report.records)
    except (CannotFetch, NotReadable) as error:
        walk.is_whole, walk.has_missed = False, True
        trouble(source.address, error.sentence)
    if walk.is_whole:
        _withdraw_unnamed(runtime, source, round_key, taker)
    with runtime.db.begin() as session:
        now = runtime.clock()
        store.end_round(session, source.key, _until(walk, source, owed, now), now)
    shutil.rmtree(folder, ignore_errors=True)
    report.notes.append(f"{fetcher.requests:,} requests were sent.")
    return report


def _given(reference: Reference, first: Fetched) -> Fetched | None:
    """The document of the manifest, where the source's address is that of a manifest itself."""
    is_it = isinstance(first.document, Mapping) and id_of(first.document) == reference.iri
    return first if is_it and first.document.get("type", first.document.get("@type")) in ("Manifest", "sc:Manifest") else None


def _withdraw_unnamed(runtime: Runtime, source: Source, round_key: str, taker: Taker) -> None:
    """What a whole walk did not name is gone."""
    after = ""
    while True:
        with runtime.reads.begin() as session:
            page = store.unnamed(session, source.key, round_key, after=after, limit=PAGE)
        for item in page:
            taker.report.records += 1
            taker.withdraw(item.iri, "its source does not name it any more")
        if len(page) < PAGE:
            return
        after = page[-1].name


def _until(walk: Walk, source: Source, owed: Sequence[datetime], now: datetime) -> datetime | None:
    """Changes before then are known; what a server did not give is asked for again in the next round. Nothing is known of what
    has not happened yet, whatever time a list gives."""
    if walk.newest is None or walk.has_missed:
        return source.seen_until
    newest = walk.newest if source.seen_until is None else max(walk.newest, source.seen_until)
    return min([newest, now, *owed])
