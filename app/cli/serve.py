"""`lectotype serve`, its parts `web`, `relay` and `worker` for machines apart, and `migrate`."""

import sys

import click

from app import compose
from app import serve as serving
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
def migrate() -> None:
    """Bring the database to the newest migration."""
    compose.prepare(compose.build())
    click.echo("The database is up to date.")
