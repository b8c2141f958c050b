"""`lectotype harvest`: specimens, images and statements of other IIIF servers."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence

import click
from rich.console import Console
from rich.progress import Progress, TextColumn
from sqlalchemy.orm import Session

from analytics import service as analytics
from annotations.harvested import service as statements
from annotations.harvested.service import CanvasThere
from app import compose
from app.cli import ingest as ingesting
from app.runtime.context import Runtime
from app.runtime.errors import DomainError
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from iiif.harvest import service as harvests
from iiif.harvest.fetching import Fetcher, Rules
from iiif.harvest.model import RemoteManifest, Source
from iiif.harvest.taking import OnStatements
from iiif.image.masters import derivatives
from iiif.ingest import service as ingests
from iiif.ingest.report import IngestReport

Progressed = Callable[[int, int], None]


def take(
    runtime: Runtime, address: str, rules: Rules, *, with_statements: bool = True, by: Principal, bar: Progressed | None = None
) -> IngestReport:
    """One round of a harvest from the address, noted as an ingest; its new images become tasks of a run of their own. Raises
    HarvestUnderWay."""
    source = harvests.source_at(runtime, address, rules, by=by)
    with harvests.alone(runtime, source):
        return _take(runtime, source, rules, with_statements, by, bar)


def _take(
    runtime: Runtime, source: Source, rules: Rules, with_statements: bool, by: Principal, bar: Progressed | None
) -> IngestReport:
    address = source.address
    ingest = ingesting.begin_of(runtime, [address], by=by)
    with runtime.reads.begin() as session:
        (run,) = analytics.page(session, ingest=ingest.key, limit=1)

    def on_media(session: Session, media: Sequence[Media]) -> None:
        analytics.add_new_images(session, run.key, media, at=runtime.clock())

    report, failure = IngestReport(), "It was broken off in the middle; run it again, what is in already stays."
    shown = ingesting.Shown(runtime, ingest.key, bar)
    try:
        harvests.harvest(
            runtime,
            source,
            rules,
            round_key=ingest.key,
            on_media=on_media,
            on_statements=_statements_of(runtime, source) if with_statements else None,
            progress=shown,
            report=report,
        )
        failure = f"Nothing could be taken in: {report.first_refusal}" if report.is_failure else ""
    finally:
        with runtime.db.begin() as session:
            analytics.close(session, run.key, at=runtime.clock())
            ingests.progress(session, ingest.key, shown.done, shown.total)
            ingests.end(session, ingest.key, report.to_json(), failure=failure, at=runtime.clock())
    return report


def _statements_of(runtime: Runtime, source: Source) -> OnStatements:
    def take_in(manifest: RemoteManifest, media: Mapping[str, Media], fetcher: Fetcher) -> tuple[Sequence[str], bool]:
        """The image has a size once its derivative is made: that is made here, and not waited for."""

        def ask(url: str) -> object:
            fetched = fetcher.document(url)
            return None if fetched is None else fetched.document

        left_out, is_whole = list[str](), True
        for canvas in manifest.canvases:
            image = media.get(canvas.id)
            if not canvas.pages or image is None:
                continue
            if image.state != "ready":
                derivatives.derive(runtime, image.key, patient=False)
                with runtime.reads.begin() as session:
                    image = catalogue.get_media(session, image.key)
            if image.state != "ready":
                left_out.append(f"What is said of {canvas.label or canvas.id!r} was left out: its image cannot be shown.")
                is_whole = is_whole and image.state == "failed"
                continue
            there = CanvasThere(canvas.id, canvas.width, canvas.height, canvas.pages)
            outcome = statements.take_in(runtime, source.key, there, image, ask)
            left_out += outcome.left_out
            is_whole = is_whole and outcome.is_whole
        return left_out, is_whole

    return take_in


@click.command()
@click.argument("address")
@click.option("--host", "hosts", multiple=True, help="Ask this host only; may be repeated. Without it: every public one.")
@click.option("--private", is_flag=True, help="Allow addresses of an inner network, as of a hub beside this one.")
@click.option(
    "--pause", default=0.2, show_default=True, type=click.FloatRange(0, 60), help="Seconds between two requests to a host."
)
@click.option("--no-statements", is_flag=True, help="Leave out what is said of the images.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON and nothing else.")
def harvest(address: str, hosts: tuple[str, ...], private: bool, pause: float, no_statements: bool, as_json: bool) -> None:
    """Take in the IIIF manifest, collection or list of changes (Change Discovery) at ADDRESS.

    Done again it takes in what is new and what has changed, and closes to the public what is no more there.
    """
    runtime = compose.build()
    compose.prepare(runtime)
    rules = Rules(hosts=tuple(host.lower() for host in hosts), private=private, pause_s=pause)
    with Progress(TextColumn("harvest {task.completed} manifests"), console=Console(stderr=True, quiet=as_json)) as bar:
        task = bar.add_task("harvest", total=None)
        try:
            report = take(
                runtime,
                address,
                rules,
                with_statements=not no_statements,
                by=Principal.of_operator(),
                bar=lambda done, _: bar.update(task, completed=done),
            )
        except DomainError as error:
            raise click.ClickException(str(error)) from error
    if as_json:
        print(json.dumps(report.to_json(), ensure_ascii=False, indent=2))
    else:
        ingesting.show_report(report, Console())
    sys.exit(1 if report.is_failure else 0)
