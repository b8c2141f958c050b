"""How fast the search is: `make bench-search`, or `python -m tests.bench.search --specimens 25000 --engine embedded`.

A collection by `tests.bench.collection` is loaded into a new hub on SQLite, indexed, and asked over HTTP: the commonest questions
with their pages of hits, snippets and facets, one after the other. Beside Elasticsearch its own client asks the same trees in the
same run. Then a statement is written while a relay runs, and the time is told until the search finds it. These are
measurements of one machine, not assertions.
"""

import http.client
import json
import multiprocessing
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import click
import numpy as np

from annotations.search import consistency, service
from app import compose, relay
from app.runtime import context, tokens
from app.runtime.broker import make_broker
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from app.runtime.search.elasticsearch_engine import ElasticsearchEngine
from app.runtime.search.port import Document, Field
from app.runtime.search.tantivy_engine import TantivyEngine
from app.runtime.settings import Settings
from tests import live, services
from tests.bench import collection
from tests.bench.measure import memory, own_peak_mb
from tests.sheets import comment

WORDS = collection.vocabulary()
QUESTIONS: dict[str, str] = {
    "a rare word": f"q={WORDS[9000]}",
    "a common word": f"q={WORDS[1]}",
    "two words": f"q={WORDS[2]}+{WORDS[5]}",
    "a phrase": f"q={quote(chr(34) + WORDS[1] + ' ' + WORDS[2] + chr(34))}",
    "a prefix": f"q={WORDS[40][:5]}*",
    "a family": "q=family:Fagaceae",
    "a species and years": "q=species:quercus+year:1850..1900",
    "a place": "q=near:10,20,500km",
    "a length, longest first": "q=length:5..9cm&sort=-year",
    "a class of segments": "q=segment:stamp%3E%3D2+country:Portugal",
    "statements by kind and value": "type=annotation&q=kind:length+value%3E50&sort=-confidence",
    "everything": "q=",
}
PLAIN, FACETS = "&facets=", ""  # no facets, and those that the page has
HEAD = """
| question | hits | p50 | p95 | with facets, p50 | p95 | own client, p50 | p95 |
|---|---|---|---|---|---|---|---|"""
WARM = 5
Times = list[float]


@click.command()
@click.option("--specimens", default=25_000, show_default=True, help="Each has 4 images with 10 statements.")
@click.option("--engine", type=click.Choice(["embedded", "elasticsearch"]), multiple=True, help="Only this one.")
@click.option("--rounds", default=200, show_default=True, help="Times that each question is asked.")
@click.option("--vectors", default=300_000, show_default=True, help="Vectors of 256 numbers for the nearest ones; 0: none.")
def main(specimens: int, engine: tuple[str, ...], rounds: int, vectors: int) -> None:
    """Print tables for docs/performance.md."""
    for name in engine or ("embedded", "elasticsearch"):
        with tempfile.TemporaryDirectory(prefix="lectotype-search-") as folder, _engine(name) as url:
            _measure(Path(folder), name, url, specimens, rounds)
    if vectors:
        with tempfile.TemporaryDirectory(prefix="lectotype-vectors-") as folder:
            _nearest(Path(folder), vectors, rounds)


@contextmanager
def _engine(name: str) -> Iterator[str]:
    if name == "embedded":
        yield ""
        return
    node = services.elasticsearch_url.__wrapped__()  # type: ignore[attr-defined]  # the fixture, run by hand
    yield next(node)
    next(node, None)


def _settings(folder: Path, url: str) -> dict[str, Any]:
    return {"data_dir": folder / "data", "search_url": url, "search_index": "bench"}


def _measure(folder: Path, name: str, url: str, specimens: int, rounds: int) -> None:
    ours, theirs = multiprocessing.Pipe()
    for work in (_load, _reindex):
        process = multiprocessing.get_context("spawn").Process(target=work, args=(folder, url, specimens, theirs))
        process.start()
        click.echo(f"\n{name}: {ours.recv()}")
        process.join()
    with live.web(folder, **_settings(folder, url)) as hub:
        context.use(hub.runtime)
        click.echo(HEAD)
        connection = http.client.HTTPConnection(urlsplit(hub.url).netloc, timeout=60)
        for title, asked in QUESTIONS.items():
            total, plain = _asked(connection, f"/api/search?{asked}{PLAIN}", rounds)
            _, whole = _asked(connection, f"/api/search?{asked}{FACETS}", rounds)
            raw = _by_own_client(hub.runtime, asked, rounds)
            click.echo(f"| {title} | {total:,} | {_told(plain)} | {_told(whole)} | {_told(raw) if raw else '– | –'} |")
        held = memory([hub.process.pid])
        click.echo(f"\nMemory of the web processes: {held.pss_mb:.0f} MB. Visible after {_visible(hub):.2f} s.")


def _load(folder: Path, url: str, specimens: int, answer: Connection) -> None:
    runtime = _runtime(folder, url)
    began = time.monotonic()
    with runtime.database.engine.begin() as connection:
        written = collection.fill(connection, specimens)
    took = time.monotonic() - began
    answer.send(f"{written:,} statements on {specimens:,} specimens loaded in {took:.0f} s, {written / took:,.0f} a second")


def _reindex(folder: Path, url: str, _specimens: int, answer: Connection) -> None:
    runtime = _runtime(folder, url)
    began, before = time.monotonic(), time.process_time()
    with runtime.reads.begin() as session:
        written = consistency.rebuild(session, runtime.search, runtime.addresses, lambda _: None)
    took, cpu = time.monotonic() - began, time.process_time() - before
    answer.send(
        f"{written:,} documents indexed in {took:.0f} s, {written / took:,.0f} a second ({written / cpu:,.0f} a CPU second), "
        f"peak {own_peak_mb():.0f} MB"
    )


def _runtime(folder: Path, url: str) -> Runtime:
    runtime = compose.build(Settings(base_url="http://bench.test", **_settings(folder, url)))
    compose.prepare(runtime)
    context.use(runtime)
    return runtime


def _asked(connection: http.client.HTTPConnection, path: str, rounds: int) -> tuple[int, Times]:
    """The number of hits, and milliseconds of each asking."""
    found: dict[str, Any] = {}

    def ask() -> None:
        nonlocal found
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise click.ClickException(f"{path}: {response.status} {body[:200]!r}")
        found = json.loads(body)

    times = _times(ask, rounds)
    return found["total"], times


def _by_own_client(runtime: Runtime, asked: str, rounds: int) -> Times:
    """What Elasticsearch's own client takes for the same tree and page; nothing of the embedded engine."""
    engine = runtime.search
    if not isinstance(engine, ElasticsearchEngine):
        return []
    given = dict(part.partition("=")[::2] for part in asked.split("&"))
    q = given.get("q", "").replace("+", " ").replace("%3E", ">").replace("%3D", "=").replace("%22", '"').replace("%20", " ")
    question = service.Question(q=q, type=given.get("type", "specimen"), sort=given.get("sort", ""))
    with runtime.reads.begin() as session:
        tree, _ = service._tree(session, engine, question)
    dsl, sort = engine._translated(tree), engine._sort(service.sort_of(question.sort), tree)
    return _times(lambda: engine._client.search(index="bench", query=dsl, sort=sort, size=24, track_total_hits=True), rounds)


def _times(ask: Callable[[], object], rounds: int) -> Times:
    for _ in range(WARM):
        ask()
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        ask()
        times.append((time.perf_counter() - began) * 1000)
    return times


def _told(times: Times) -> str:
    return f"{statistics.median(times):.1f} | {statistics.quantiles(times, n=20)[-1]:.1f}"


def _visible(hub: live.Live) -> float:
    """Seconds from the answer to a new statement until a search finds it, while a relay runs."""
    runtime, stop = hub.runtime, threading.Event()
    with runtime.db.begin() as session:
        token = tokens.create(session, "bench", runtime.clock(), by=Principal.of_system(), role="curator", collections=("all",))
    relaying = threading.Thread(
        target=relay.run, args=(runtime, make_broker(runtime.settings, runtime.database), stop), daemon=True
    )
    relaying.start()
    time.sleep(2.0)
    target = runtime.addresses.canvas("s1b000000000", "m1b000000000")
    connection = http.client.HTTPConnection(urlsplit(hub.url).netloc, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/ld+json"}
    connection.request("POST", "/annotations/", json.dumps(comment(target, "xyzzyword")), headers)
    response = connection.getresponse()
    told = response.read()
    if response.status != 201:
        raise click.ClickException(f"{response.status} {told[:300]!r}")
    began = time.monotonic()
    while time.monotonic() < began + 30:
        connection.request("GET", "/api/search?q=xyzzyword&facets=")
        if json.loads(connection.getresponse().read())["total"]:
            break
    took = time.monotonic() - began
    stop.set()
    relaying.join(10)
    return took


def _nearest(folder: Path, vectors: int, rounds: int) -> None:
    """The nearest of vectors in clusters, on the embedded engine; recall against all of them measured."""
    dimensions, chance = 256, np.random.default_rng(3)
    centres = chance.normal(size=(vectors // 100 + 1, dimensions)).astype(np.float32)
    made = np.repeat(centres, 100, axis=0)[:vectors] + 0.4 * chance.normal(size=(vectors, dimensions)).astype(np.float32)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    engine = TantivyEngine(folder, (Field("embedding", "vector", dimensions=dimensions),))
    began = time.monotonic()
    with engine.rebuild() as fresh:
        for start in range(0, vectors, 5_000):
            some = enumerate(made[start : start + 5_000], start)
            fresh.write([Document(f"g/{n:09}", 1, {"embedding": vector}) for n, vector in some])
    engine.tend(lambda: False)
    took, asked, right = time.monotonic() - began, made[chance.integers(0, vectors, 50)], 0
    for vector in asked:
        exact = set(np.argpartition(-(made @ vector), 10)[:10].tolist())
        right += len(exact & {int(hit.key[2:]) for hit in engine.nearest("embedding", vector.tolist(), limit=10)})
    turns = iter(range(10**9))
    times = _times(lambda: engine.nearest("embedding", asked[next(turns) % len(asked)].tolist(), limit=10), rounds)
    click.echo(
        f"\n{vectors:,} vectors of {dimensions} numbers, indexed with their graph in {took:.0f} s: p50 | p95 {_told(times)} ms, "
        f"recall at 10 {right / 500:.3f}"
    )


if __name__ == "__main__":
    main()
