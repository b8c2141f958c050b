"""`lectotype derive` and `lectotype fsck`: derivatives made anew, and files held to the database."""

import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from app import compose
from app.fsck import Account, Check
from app.runtime.blobs import LEFTOVER
from app.runtime.context import Runtime
from app.runtime.errors import DomainError
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from iiif.image.masters import derivatives
from iiif.image.masters.decoder_client import DecoderUnavailable
from iiif.image.masters.derivatives import Outcome
from iiif.image.pyramid.format import VERSION

AT_ONCE = 2  # each holds up to LECTOTYPE_DECODE_BYTES
PAGE = 200


@click.command()
@click.argument("keys", metavar="[KEY...]", nargs=-1)
@click.option("--all", "all_", is_flag=True, help="All images whose derivative is missing, damaged or of an older recipe.")
@click.option("--missing", is_flag=True, help="Only images whose derivative is missing or damaged; each is opened.")
@click.option("--failed", is_flag=True, help="Images that were refused, each once more.")
@click.option("--force", is_flag=True, help="Include whole derivatives, and images that were refused before.")
@click.option("--enqueue", is_flag=True, help="Leave the work to the workers.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def derive(keys: Sequence[str], all_: bool, missing: bool, failed: bool, force: bool, enqueue: bool, as_json: bool) -> None:
    """Make the derivatives of images anew: of those named by KEY, or of all that need it.

    You may stop it at any time; the next call continues with what is left. Exit status 1 if an image was refused.
    """
    if bool(keys) + all_ + missing + failed != 1:
        raise click.UsageError("give KEYs, or --all, or --missing, or --failed")
    if enqueue and force:
        raise click.UsageError("workers make only what is needed: --force works without --enqueue")
    runtime = compose.build()
    compose.prepare(runtime)
    try:
        images = _named(runtime, keys) if keys else _failed(runtime) if failed else _wanted(runtime, missing, force=force)
        tally = _enqueue(runtime, images) if enqueue else _derive(runtime, images, force=force or failed, quiet=as_json)
    except DomainError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        refused = [{"media": one.key, "code": one.code, "reason": one.reason} for one in tally.refused]
        click.echo(json.dumps({"made": tally.made, "left": tally.left, "queued": tally.queued, "refused": refused}))
    elif enqueue:
        click.echo(f"{tally.queued} left to the workers.")
    else:
        click.echo(f"{tally.made} made, {tally.left} left as they were, {len(tally.refused)} refused.")
    sys.exit(1 if tally.refused else 0)


@dataclass(slots=True)
class Tally:
    """What came of all images; of the refused ones more than their number."""

    made: int = 0
    left: int = 0
    queued: int = 0
    refused: list[Outcome] = field(default_factory=list)


def _named(runtime: Runtime, keys: Sequence[str]) -> Iterator[Media]:
    """All of them, or UnknownMedia before any is touched."""
    with runtime.reads.begin() as session:
        return iter([catalogue.get_media(session, key) for key in dict.fromkeys(keys)])


def _wanted(runtime: Runtime, missing: bool, *, force: bool) -> Iterator[Media]:
    """Images that need it: ready and pending ones; with `force` every one.

    The database knows those of an older recipe, found damaged or not made yet. Of the others it is looked whether their file
    is there, and with `missing` alone also whether it can be opened.
    """
    if force:
        yield from _listed(runtime)
    elif missing:
        for media in _listed(runtime):
            faulty = media.state == "ready" and derivatives.fault_of(runtime.blobs, media) in ("lost", "damaged")
            if faulty or media.state == "pending":
                yield media
    else:
        yield from _known(runtime)
        for media in _listed(runtime, "ready"):
            if media.derivative_version == VERSION and not runtime.blobs.has(media.pyramid_sha256):
                yield media


def _known(runtime: Runtime) -> Iterator[Media]:
    """Images whose derivative the database knows to be of another recipe, or none, or found damaged."""
    after = (catalogue.DISTRUSTED - 1, "")
    while True:
        with runtime.reads.begin() as session:
            page = catalogue.page_to_derive(session, VERSION, after=after, limit=PAGE)
        yield from (media for _, media in page if media.state != "failed")
        if len(page) < PAGE:
            return
        after = page[-1][0], page[-1][1].key


def _listed(runtime: Runtime, state: str = "") -> Iterator[Media]:
    """Images in the order of their keys."""
    after = ""
    while True:
        with runtime.reads.begin() as session:
            page = catalogue.list_media(session, state=state, after=after, limit=PAGE)
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].key


def _failed(runtime: Runtime) -> Iterator[Media]:
    return _listed(runtime, "failed")


def _derive(runtime: Runtime, images: Iterator[Media], *, force: bool, quiet: bool) -> Tally:
    """AT_ONCE at a time. What is refused is told when it happens, and not tried again."""
    tally = Tally()
    columns = TextColumn("Derivatives"), BarColumn(), TextColumn("{task.completed} made"), TimeElapsedColumn()
    console = Console(stderr=True)
    with ThreadPoolExecutor(AT_ONCE) as pool, Progress(*columns, console=console, disable=quiet) as bar:
        task = bar.add_task("", total=None)

        def settle(done: set[Future[Outcome]]) -> None:
            for future in done:
                outcome = future.result()
                tally.made += outcome.result == "made"
                tally.left += outcome.result == "left"
                bar.update(task, completed=tally.made)
                if outcome.result == "refused":
                    tally.refused.append(outcome)
                    if not quiet:
                        console.print(f"{outcome.key}: {outcome.code}: {outcome.reason}", markup=False, highlight=False)

        running: set[Future[Outcome]] = set()
        for media in images:
            running.add(pool.submit(_attempt, runtime, media.key, force=force))
            if len(running) >= AT_ONCE:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                settle(done)
        settle(running)
    return tally


def _attempt(runtime: Runtime, key: str, *, force: bool) -> Outcome:
    """What the machine could not do for one image it may do for the next."""
    try:
        return derivatives.derive(runtime, key, force=force)
    except (OSError, DecoderUnavailable) as error:
        return Outcome(key, "refused", "unavailable", str(error))


def _enqueue(runtime: Runtime, images: Iterator[Media]) -> Tally:
    tally = Tally()
    for media in images:
        with runtime.db.begin() as session:
            if media.state == "failed":
                catalogue.try_again(session, media.key, at=runtime.clock())
            else:
                catalogue.derive_again(session, media.key)
        tally.queued += 1
    return tally


@click.command()
@click.option("--deep", is_flag=True, help="Read every file and compare its SHA-256.")
@click.option("--repair", is_flag=True, help="Let the workers make lost and damaged derivatives again; lay wrong targets again.")
@click.option("--collect", is_flag=True, help="Remove files that nothing names any more.")
@click.option(
    "--older-than", metavar="HOURS", type=click.FloatRange(min=0), default=LEFTOVER / 3600, show_default=True,
    help="Files that changed within that time are never removed: an ingest may be about to name them.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines: one for each fault, the summary last.")
def fsck(deep: bool, repair: bool, collect: bool, older_than: float, as_json: bool) -> None:
    """Compare the stored files with the database, and the targets of annotations with their documents.

    A line for each that is lost, damaged or wrong, and exit status 1.
    """
    runtime = compose.build()
    compose.prepare(runtime)
    check = Check(runtime, deep=deep, repair=repair, collect=collect, older_than_s=older_than * 3600)
    wrong = 0
    for line, told in _faults(runtime, check, quiet=as_json):
        wrong += 1
        click.echo(json.dumps(told) if as_json else line)
    if as_json:
        click.echo(json.dumps(asdict(check.account)))
    else:
        _tell(check.account, wrong)
    sys.exit(1 if wrong else 0)


def _faults(runtime: Runtime, check: Check, *, quiet: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each fault as a line and as JSON: those of files, then those of annotations."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bar:
        with runtime.reads.begin() as session:
            images = bar.add_task("Images", total=sum(catalogue.count_media(session).values()))
        for one in check.findings(lambda done: bar.update(images, completed=done)):
            file = f"{one.media} {one.sha256}".lstrip()
            yield f"{one.fault}: {file}{', is to be made again' if one.repair else ''}", asdict(one)
        annotations = bar.add_task("Annotations", total=None)
        for wrong in check.wrong_targets(lambda done: bar.update(annotations, completed=done)):
            again = " Laid again." if wrong.repaired else ""
            yield f"{wrong.fault}: {wrong.annotation}: {wrong.sentence}{again}", asdict(wrong)
        for segment in check.wrong_segments():
            again = " Brought in line." if segment.repaired else ""
            yield f"{segment.fault}: {segment.segment}: {segment.sentence}{again}", asdict(segment)


def _tell(account: Account, wrong: int) -> None:
    masks = f", {account.masks} masks of annotations" if account.masks else ""
    said = f", {account.annotations} annotations" if account.annotations else ""
    click.echo(f"{account.images} images{masks}{said}, {wrong} faults.")
    if account.unread:
        click.echo(
            f"The targets of {account.unread} annotations cannot be resolved, and were only partly compared, such as those of"
        )
        click.echo(f"  {account.first_unread}")
    if account.older:
        click.echo(f"{account.older} derivatives are of an older recipe: run `lectotype derive --all`.")
    if account.orphans:
        done = "removed" if account.collected else "are there; --collect removes them"
        click.echo(f"{account.orphans} files of {account.orphan_bytes} bytes that nothing names {done}.")
    if account.fresh:
        click.echo(f"{account.fresh} more that nothing names are too young to be removed.")
    if account.leftovers:
        click.echo(f"{account.leftovers} half-written files removed.")
    if account.refused:
        click.echo(f"{len(account.refused)} images were refused; `lectotype derive --failed` tries them again:")
    for line in account.refused:
        click.echo(f"  {line}")
    for path in account.strange:
        click.echo(f"No file of ours: {path}")
