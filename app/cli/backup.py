"""`lectotype backup` and `lectotype restore`: a hub as one file, and back."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from annotations.search import consistency
from app import compose
from app.backup.manifest import Manifest
from app.backup.restore import restore as put_back
from app.backup.write import write
from app.fsck import Check
from app.runtime.context import Runtime

NEW = click.Path(path_type=Path, dir_okay=False)
THERE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command()
@click.argument("file", type=NEW)
@click.option("--without-derivatives", is_flag=True, help="Leave out what can be made again from the originals.")
@click.option("--without-blobs", is_flag=True, help="The database alone; keep the folder of blobs by other means.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def backup(file: Path, without_derivatives: bool, without_blobs: bool, as_json: bool) -> None:
    """Write the database and the blobs to FILE, a new tar archive, while the hub runs.

    The search index is not in it: it is made again when the backup is restored.
    """
    runtime = compose.build()
    left_out = "all" if without_blobs else "derivatives" if without_derivatives else "nothing"
    with _shown("backup", quiet=as_json) as progress:
        made = write(runtime, file, left_out=left_out, progress=progress)  # type: ignore[arg-type]  # it is one of the three
    if as_json:
        click.echo(json.dumps(_summary(made) | {"file": str(file)}))
    else:
        click.echo(f"{file}: the database at migration {made.revision}, {made.blobs} blobs of {made.blob_bytes} bytes.")


@click.command()
@click.argument("file", type=THERE)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def restore(file: Path, as_json: bool) -> None:
    """Put the backup FILE into this hub, which must be empty, and make the search index anew.

    Exit status 1 if an original that the database names is in neither the backup nor the store of blobs.
    """
    runtime = compose.build()
    with _shown("restore", quiet=as_json) as progress:
        found = put_back(runtime, file, progress=progress)
    documents = _index(runtime)
    faults: Counter[str] = Counter(finding.fault for finding in Check(runtime).findings())
    if as_json:
        click.echo(json.dumps(_summary(found) | {"documents": documents, "faults": faults}))
    else:
        _tell(runtime, found, documents, faults)
    sys.exit(1 if faults["lost original"] or faults["damaged original"] else 0)


def _index(runtime: Runtime) -> int:
    with runtime.reads.begin() as session:
        return consistency.rebuild(session, runtime.search, runtime.addresses, lambda _: None)


def _tell(runtime: Runtime, found: Manifest, documents: int, faults: Counter[str]) -> None:
    click.echo(f"Restored: the database, {found.blobs} blobs, {documents} documents in the index.")
    if (found.base_url, found.naan) != (runtime.settings.base_url, runtime.settings.naan):
        click.echo(f"The backup is of {found.base_url} with the NAAN {found.naan}: set LECTOTYPE_BASE_URL and LECTOTYPE_NAAN so.")
    for fault, number in sorted(faults.items()):
        click.echo(f"{fault}: {number}; `lectotype fsck` names them.")
    if faults["lost derivative"]:
        click.echo("`lectotype derive --missing` makes lost derivatives again, or each is made when it is asked for.")


def _summary(made: Manifest) -> dict[str, object]:
    return {name: value for name, value in asdict(made).items() if name not in ("parts", "form")}


@contextmanager
def _shown(what: str, *, quiet: bool) -> Iterator[Callable[[str, int], None]]:
    columns = TextColumn(what), TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bar:
        task = bar.add_task("", total=None)
        yield lambda name, done: bar.update(task, description=name, completed=done)
