"""How long a reviewer waits: `make bench-review`, or `python -m tests.bench.review`.

The queue is asked in memory, on SQLite, among statements and verdicts that are made by a few statements of SQL out of one that
the hub itself took in. Then Chromium works through labels of a photograph: from the key until the next picture is painted.
"""

import importlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from playwright.sync_api import sync_playwright
from sqlalchemy import Connection, Table, text

from annotations import service as annotations
from annotations.tables import AnnotationRow, AnnotationTargetRow, AnnotationVersionRow, VerdictRow
from app import compose
from app.runtime import context
from app.runtime.context import Runtime
from app.runtime.principal import cookie_name
from app.runtime.settings import Settings
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from iiif.catalogue.tables import DepictionRow, MediaRow, SpecimenRow
from tests import live
from tests.conformance import SHARED
from tests.drain import drain
from tests.e2e.conftest import CHROMIUM, FLAGS
from tests.people import Person, add_person
from tests.sheets import Hub, add_sheet, comment, make_hub

PHOTOGRAPH = "insect_nhm_augochlora.jpg"
KINDS = ("label", "ruler", "barcode", "outline", "length")
ON_A_SHEET = 50
WARM, ROUNDS = 5, 100
Times = list[tuple[float, float]]  # milliseconds by the clock, and of CPU in this process
Line = tuple[str, Times]


@click.command()
@click.option("--statements", default=1_000_000, show_default=True)
@click.option("--verdicts", default=200_000, show_default=True)
@click.option("--browser/--no-browser", default=True, show_default=True)
def main(statements: int, verdicts: int, browser: bool) -> None:
    """Print a table of milliseconds, for docs/performance.md."""
    click.echo("| what | median | p95 | CPU, median | CPU, p95 |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="lectotype-review-") as folder:
        runtime = compose.build(Settings(data_dir=Path(folder), base_url="http://bench.test"))
        compose.prepare(runtime)
        context.use(runtime)
        hub = make_hub(runtime)
        began = time.monotonic()
        made = fill(hub, statements, verdicts)
        sys.stderr.write(f"{statements:,} statements and {verdicts:,} verdicts made in {time.monotonic() - began:.0f} s\n")
        for line in asked(hub, made):
            tell(line)
        runtime.search.close()
        runtime.database.engine.dispose()
    if browser:
        with tempfile.TemporaryDirectory(prefix="lectotype-review-") as folder:
            times = in_browser(Path(folder))
        p95 = statistics.quantiles(times, n=20)[-1]
        click.echo(
            f"\nFrom the key to the next picture, in Chromium: median {statistics.median(times):.0f} ms, p95 {p95:.0f} ms."
        )


def tell(line: Line) -> None:
    name, times = line
    told = [name]
    for of_one in zip(*times, strict=True):
        told += [f"{statistics.median(of_one):.1f} ms", f"{statistics.quantiles(of_one, n=20)[-1]:.1f} ms"]
    click.echo(f"| {' | '.join(told)} |")


def fill(hub: Hub, statements: int, verdicts: int) -> list[str]:
    """Sheets with statements, the first of them judged; the keys of images."""
    specimen, (media,) = add_sheet(hub.runtime, "BENCH", {"scientificName": "Quercus robur L."}, sizes=((4000, 6000),))
    ana = add_person(hub.runtime, "template", "reviewer")
    key = machine_label(hub, media, "Carex rubra", (10, 10, 50, 50))
    said = hub.client.post(
        "/api/verdicts", json={"annotation": key, "version": 1, "verdict": "approved"}, headers=ana.bearer
    ).get_json()
    sheets = -(-statements // ON_A_SHEET)
    with hub.runtime.database.engine.begin() as connection:
        copy_sheets(connection, specimen.key, media.key, sheets)
        copy_statements(connection, key, media, statements, verdicts)
        copy_verdicts(connection, key, said["key"], verdicts)
        for table in ("queue_items", "queue_counts", "queue_lines"):
            connection.execute(text(f"DELETE FROM {table}"))
        importlib.import_module("app.migrations.versions.0020_queue").fill(connection)
    return [f"m1b{number:09}" for number in range(1, sheets + 1)]


def copies(connection: Connection, table: Table, where: str, number: int, changed: Mapping[str, str]) -> None:
    """Copy the one row `number` times; `changed` are expressions of its columns (t) and of i, from 1."""
    names = [column.name for column in table.columns]
    values = ", ".join(changed.get(name, f't."{name}"') for name in names)
    listed = ", ".join(f'"{name}"' for name in names)
    connection.execute(
        text(
            f"WITH RECURSIVE seq(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM seq WHERE i < {number}) "
            f"INSERT INTO {table.name} ({listed}) SELECT {values} FROM seq, (SELECT * FROM {table.name} WHERE {where} LIMIT 1) t"
        )
    )


def copy_sheets(connection: Connection, specimen: str, media: str, number: int) -> None:
    key, image = "printf('s1b%09d', i)", "printf('m1b%09d', i)"
    named = {"key": key, "identity": "printf('bench %d', i)", "catalog_number": "printf('B %d', i)"}
    copies(connection, SpecimenRow.__table__, f"key = '{specimen}'", number, named)  # type: ignore[arg-type]  # a table it is
    of_image = {"key": image, "specimen_key": key, "sha256": "printf('%064d', i)"}
    copies(connection, MediaRow.__table__, f"key = '{media}'", number, of_image)  # type: ignore[arg-type]
    shown = {"media_key": image, "specimen_key": key}
    copies(connection, DepictionRow.__table__, f"media_key = '{media}'", number, shown)  # type: ignore[arg-type]


def copy_statements(connection: Connection, key: str, media: Media, number: int, judged: int) -> None:
    sheet = f"(1 + (i - 1) / {ON_A_SHEET})"
    own, image, specimen = "printf('n1b%09d', i)", f"printf('m1b%09d', {sheet})", f"printf('s1b%09d', {sheet})"
    kinds = " ".join(f"WHEN {place} THEN '{kind}'" for place, kind in enumerate(KINDS))
    words = f"replace(replace(replace(t.document, '{key}', {own}), '{media.key}', {image}), '{media.specimen_key}', {specimen})"
    row: dict[str, str] = {
        "key": own, "media_key": image, "specimen_key": specimen, "kind": f"CASE i % {len(KINDS)} {kinds} END",
        "confidence": "((i * 7919) % 1000) / 1000.0", "document": words, "etag": "printf('%032d', i)",
        "state": f"CASE WHEN i <= {judged} THEN 'accepted' ELSE 'unreviewed' END",
        "state_reason": f"CASE WHEN i <= {judged} THEN t.state_reason END",
    }  # fmt: skip
    copies(connection, AnnotationRow.__table__, f"key = '{key}'", number, row)  # type: ignore[arg-type]
    version = {"key": own, "document": words}
    copies(connection, AnnotationVersionRow.__table__, f"key = '{key}'", number, version)  # type: ignore[arg-type]
    target = {"annotation_key": own, "key": image, "media_key": image, "specimen_key": specimen}
    copies(connection, AnnotationTargetRow.__table__, f"annotation_key = '{key}'", number, target)  # type: ignore[arg-type]


def copy_verdicts(connection: Connection, key: str, verdict: str, number: int) -> None:
    own, judged = "printf('n1v%09d', i)", "printf('n1b%09d', i)"
    words = f"replace(replace(t.document, '{key}', {judged}), '{verdict}', {own})"
    row = {"key": own, "document": words}
    copies(connection, AnnotationRow.__table__, f"key = '{verdict}'", number, row)  # type: ignore[arg-type]
    copies(connection, AnnotationVersionRow.__table__, f"key = '{verdict}'", number, row)  # type: ignore[arg-type]
    target = {"annotation_key": own, "key": judged}
    copies(connection, AnnotationTargetRow.__table__, f"annotation_key = '{verdict}'", number, target)  # type: ignore[arg-type]
    given = {"key": own, "annotation_key": judged}
    copies(connection, VerdictRow.__table__, f"key = '{verdict}'", number, given)  # type: ignore[arg-type]


def machine_label(hub: Hub, media: Media, words: str, place: tuple[int, int, int, int]) -> str:
    xywh = ",".join(map(str, place))
    document = comment(f"{hub.addresses.canvas(media.specimen_key, media.key)}#xywh={xywh}", words, motivation="supplementing")
    with hub.runtime.db.begin() as session:
        told: Any = {"media": media, "run_key": "x1bench", "kind": "label", "addresses": hub.addresses, "at": hub.runtime.clock()}
        return annotations.create_machine(session, document, **told, confidence=0.5).key


def asked(hub: Hub, images: list[str]) -> Iterator[Line]:
    """What a reviewer asks for, one after the other."""
    ana = add_person(hub.runtime, "ana", "curator")
    held: list[dict[str, Any]] = []

    def post(path: str, body: Any) -> Any:
        answer = hub.client.post(path, json=body, headers=ana.bearer)
        assert answer.status_code < 300, answer.text
        return answer.get_json()

    def get(path: str) -> Any:
        answer = hub.client.get(path, headers=ana.bearer)
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    def take(number: int, order: str) -> None:
        body = {"kind": "label", "order": order, "take": number, "have": [one["key"] for one in held]}
        held.extend(post("/api/queue/leases", body)["items"])
        assert held

    def judge() -> None:
        one = held.pop()
        post("/api/verdicts", {"annotation": one["key"], "version": one["version"], "verdict": "approved"})

    def empty() -> None:
        post("/api/queue/leases", {"giveBack": [one["key"] for one in held]})
        held.clear()

    for order in ("gain", "uncertainty", "disagreement", "oldest"):
        yield f"next item, by {order}", timed(lambda order=order: take(1, order), after=judge)
    yield "a verdict", timed(judge, before=lambda: take(1, "gain"))
    yield "ten items", timed(lambda: take(10, "gain"), after=empty)
    yield "the queue's first page of 20", timed(lambda: get("/api/queue?kind=label"))
    yield "counts of the queue", timed(lambda: get("/api/queue/counts"))
    pages = iter(images[:: max(1, len(images) // (ROUNDS + WARM))])
    yield "a canvas's page of 50 statements", timed(lambda: get(f"/canvases/{next(pages)}/annotations/machine.json"))


def nothing() -> None:
    pass


def timed(act: Callable[[], None], *, before: Callable[[], None] = nothing, after: Callable[[], None] = nothing) -> Times:
    """Of each of ROUNDS."""
    times = []
    for number in range(WARM + ROUNDS):
        before()
        began = time.perf_counter(), time.process_time()
        act()
        took = (time.perf_counter() - began[0]) * 1000, (time.process_time() - began[1]) * 1000
        after()
        if number >= WARM:
            times.append(took)
    return times


def in_browser(folder: Path) -> list[float]:
    """Milliseconds from each of sixty keys until the next piece of the photograph was painted."""
    with live.web(folder, web_processes=1) as server:
        media = photograph(server.runtime)
        hub = make_hub(server.runtime)
        for number in range(80):
            place = (media.width_px * (number % 8) // 9, media.height_px * (number // 8) // 11, 180, 90)
            machine_label(hub, media, f"Piece {number}", place)
        ana: Person = add_person(server.runtime, "ana", "reviewer")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
            visit = browser.new_context(viewport={"width": 1280, "height": 900})
            name = cookie_name(server.runtime.settings)
            visit.add_cookies([{"name": name, "value": ana.cookie["Cookie"].partition("=")[2], "url": server.url}])
            page = visit.new_page()
            page.goto(f"{server.url}/review/label?order=oldest")
            for _ in range(61):
                page.wait_for_selector("#review[data-painted]")
                page.wait_for_timeout(800)  # a person looks at it, if only so long
                page.keyboard.press("a")
            page.wait_for_timeout(500)
            times: list[float] = page.evaluate("performance.getEntriesByName('key to picture').map((one) => one.duration)")
            browser.close()
    return times


def photograph(runtime: Runtime) -> Media:
    """A real one, taken in and analysed."""
    path = SHARED / "data" / "specimens" / PHOTOGRAPH
    command = [sys.executable, "-m", "app.cli", "ingest", str(path)]
    subprocess.run(command, cwd=live.ROOT, env=runtime.settings.environment(), check=True, stdout=subprocess.DEVNULL)
    drain(runtime)
    with runtime.reads.begin() as session:
        return catalogue.list_media(session, limit=1)[0]


if __name__ == "__main__":
    main()
