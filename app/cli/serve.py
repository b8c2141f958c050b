"""`lectotype serve`, its parts `web`, `relay` and `worker` for machines apart, and `migrate`."""

import sys
from pathlib import Path

import click

from app import compose
from app import serve as serving
from app.backup import before_migration
from app.runtime import logs
from app.runtime.settings import Settings


@click.command()
def serve() -> None:
    """Serve everything: web, relay and workers in one command. The database is migrated first."""
    sys.exit(serving.run(Settings()))


@click.command()
def web() -> None:
    """Answer HTTP requests. Does not migrate the database."""
    settings = Settings()
    logs.configure(settings)
    serving.run_web(settings)


@click.command()
def worker() -> None:
    """Do jobs. Does not migrate the database."""
    from app import worker as working  # it brings the actors and all that they need

    settings = Settings()
    logs.configure(settings)
    working.run(settings, serving.stop_on_signals())


@click.command()
def relay() -> None:
    """Carry changes over to the broker and the search engine. One relay works at a time; others stand by."""
    settings = Settings()
    logs.configure(settings)
    serving.run_relay(settings, serving.stop_on_signals())


@click.command()
@click.option(
    "--backup", "file", type=click.Path(path_type=Path, dir_okay=False), help="Back the database up to this file first."
)
@click.option("--without-backup", is_flag=True, help="Migrate without a backup.")
def migrate(file: Path | None, without_backup: bool) -> None:
    """Bring the database to the newest migration.

    A database that holds records is copied first: SQLite to `backups` in the data folder, PostgreSQL as the options say.
    """
    if file is not None and without_backup:
        raise click.UsageError("give --backup or --without-backup, not both")
    runtime = compose.build()
    before = before_migration.nothing if without_backup else before_migration.into(runtime, file) if file is not None else None
    compose.prepare(runtime, before)
    click.echo("The database is up to date.")
