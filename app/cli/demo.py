"""`lectotype demo`: a served collection from a folder of photographs, or from drawn sheets, in one command."""

import multiprocessing
import signal
import socket
import sys
from pathlib import Path
from types import FrameType

import click
from rich.console import Console

from app import compose, serve
from app.cli import ingest as ingesting
from app.cli.account import join_address
from app.runtime.accounts import service as account_service
from app.runtime.accounts import store as accounts
from app.runtime.context import Runtime
from app.runtime.principal import Grant, Principal
from app.runtime.settings import Settings

SYNTHETIC_SEED = 1735  # Systema Naturae
ADMINISTRATOR = "admin"


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--port", type=click.IntRange(1, 65535), help="Port to serve at; 8000 unless a setting says otherwise.")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Where the collection is kept.")
@click.option(
    "--count", default=12, show_default=True, type=click.IntRange(1, 10_000), help="Sheets to draw when no PATH is given."
)
def demo(paths: tuple[Path, ...], port: int | None, data: Path | None, count: int) -> None:
    """Ingest the images or archives at PATHS, analyse them, and serve them until Ctrl-C.

    Without PATHS, sheets with known truth are drawn first. The page answers while the rest still comes in; a second
    start with the same data goes on where the first one stopped.
    """
    settings = _settings(paths, port, data)
    _refuse_taken_port(settings)
    runtime = compose.build(settings)
    compose.prepare(runtime)
    ingest = ingesting.begin(runtime, paths)
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(runtime.settings,), name="lectotype-serve")
    server.start()
    signal.signal(signal.SIGTERM, _stop)
    try:
        click.echo(
            f"Lectotype answers at {runtime.settings.base_url} (Ctrl-C stops it; the data are in {runtime.settings.data_dir})"
        )
        if link := _administrator(runtime):
            click.echo(f"To sign in as {ADMINISTRATOR!r}, choose a password at {link}")
        sources = paths or (_drawn_sheets(runtime, count),)
        report = ingesting.ingest_paths(runtime, sources, ingest=ingest)
        ingesting.show_report(report, Console())
        click.echo(f"Analysis goes on in the background: {runtime.settings.base_url}/runs")
        server.join()
    except KeyboardInterrupt:
        click.echo("Stopping.")
    finally:
        if server.is_alive():
            server.terminate()
        server.join()
    if server.exitcode:
        raise click.ClickException(f"The server ended with status {server.exitcode}.")


def _administrator(runtime: Runtime) -> str:
    """The link by which its administrator comes in; empty once somebody has."""
    by, at = Principal.of_operator(), runtime.clock()
    with runtime.db.begin() as session:
        row = accounts.by_login(session, ADMINISTRATOR)
        if row is None and not accounts.count(session):
            _, code = account_service.invite(
                session, ADMINISTRATOR, naan=runtime.settings.naan, at=at, by=by, grant=Grant("administrator")
            )
        elif row is not None and row.state == "invited":
            code = account_service.new_link(session, row.key, at=at, by=by)
        else:
            return ""
    return join_address(runtime, code)


def _refuse_taken_port(settings: Settings) -> None:
    """Say it before anything is ingested."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, settings.port))
        except OSError as error:
            raise click.ClickException(f"Port {settings.port} is taken; choose another one with --port ({error}).") from error


def _serve(settings: Settings) -> None:
    """The server's process: what `serve.run` returns is its exit status."""
    sys.exit(serve.run(settings))


def _settings(paths: tuple[Path, ...], port: int | None, data: Path | None) -> Settings:
    """Those of the environment, with a data folder of the demo's own so that collections do not mix."""
    settings = Settings()
    name = paths[0].resolve().stem if paths else "synthetic"
    changes: dict[str, object] = {"data_dir": data or settings.data_dir / f"demo-{name}"}
    if port is not None:
        changes["port"] = port
        if "base_url" not in settings.model_fields_set:
            changes["base_url"] = f"http://127.0.0.1:{port}"
    return settings.with_(**changes)


def _drawn_sheets(runtime: Runtime, count: int) -> Path:
    from analytics import synth

    folder = runtime.settings.data_dir / "drawn"
    if not (folder / "truth.json").is_file():
        synth.draw_sheets(folder, count=count, seed=SYNTHETIC_SEED)
    return folder


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
