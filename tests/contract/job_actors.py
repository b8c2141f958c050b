"""Actors of the job suite. What they do is written to the file `effects` in the data folder, a line at a time."""

import time
from pathlib import Path

import dramatiq

from app.runtime import clock, context, tokens
from app.runtime.errors import Unavailable
from app.runtime.principal import Principal
from app.runtime.tokens_table import TokenRow


def effects(folder: Path) -> list[str]:
    """The lines so far."""
    file = folder / "effects"
    return file.read_text().splitlines() if file.exists() else []


def write(line: str) -> None:
    folder = context.current().settings.data_dir
    with (folder / "effects").open("a") as file:
        file.write(line + "\n")


@dramatiq.actor(actor_name="note", queue_name="images", max_retries=0, time_limit=60_000)
def note(text: str) -> None:
    write(text)


@dramatiq.actor(actor_name="later", queue_name="analysis", max_retries=0, time_limit=60_000)
def later(text: str) -> None:
    write(text)


@dramatiq.actor(actor_name="fail", queue_name="images", max_retries=3, min_backoff=50, max_backoff=100, time_limit=60_000)
def fail(times: int) -> None:
    """Fail so many times, then succeed."""
    tried = effects(context.current().settings.data_dir).count("tried")
    write("tried")
    if tried < times:
        raise Unavailable(f"failure number {tried + 1}")
    write("succeeded")


@dramatiq.actor(actor_name="hold", queue_name="images", max_retries=0, time_limit=600_000)
def hold(name: str) -> None:
    """Begin, wait until there is a file `go`, then make one token, once however often this is run."""
    runtime = context.current()
    write(f"begun {name}")
    while not (runtime.settings.data_dir / "go").exists():
        time.sleep(0.01)
    with runtime.db.begin() as session:
        if session.get(TokenRow, name) is None:
            tokens.create(session, name, clock.now(), by=Principal.of_system())
    write(f"done {name}")
