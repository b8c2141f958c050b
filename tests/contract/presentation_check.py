"""Check a running server: `python -m tests.contract.presentation_check http://127.0.0.1:8000 ../shared`.

Walks from the top collection to every manifest and every page of annotations, and through the whole annotation container. One
closing line for each suite; exit 1 on a failure, or where a suite found nothing to check.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from urllib.request import Request, urlopen

import click

from annotations.lint import lint
from tests.contract.presentation_schema import failure
from tests.contract.web_annotation import assertions, failures

SHARED = Path(__file__).resolve().parents[3] / "shared"
SHOWN = 20


class Suites:
    """Counts per suite, and the first failures of each in words."""

    def __init__(self) -> None:
        self.checked: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()

    def record(self, suite: str, iri: str, *wrong: str) -> None:
        self.checked[suite] += 1
        if wrong:
            self.failed[suite] += 1
            if self.failed[suite] <= SHOWN:
                click.echo(f"FAIL {suite}: {iri}: {'; '.join(wrong)[:600]}", err=True)

    def close(self, suites: tuple[str, ...]) -> int:
        for suite in suites:
            done, wrong = self.checked[suite], self.failed[suite]
            click.echo(f"{suite}: Done ({done} checked, {wrong} failures)")
        return int(any(self.failed.values()) or not all(self.checked[suite] for suite in suites))


class Server:
    """GET of JSON; addresses in documents are asked for at the base given, whatever host they name."""

    def __init__(self, base: str) -> None:
        self.base = base.rstrip("/")
        self.public = ""

    def get(self, iri: str) -> Any:
        local = (
            iri.replace(self.public, self.base, 1)
            if self.public and iri.startswith(self.public)
            else urljoin(self.base + "/", iri)
        )
        request = Request(local, headers={"Accept": "application/ld+json, application/json"})
        with urlopen(request, timeout=60) as answer:
            return json.load(answer)


def manifests(server: Server, suites: Suites, schema: Path) -> Iterator[dict[str, Any]]:
    """Every manifest that is reached from the top collection; collections are checked on the way."""
    left, seen = [server.get("/iiif/presentation/3/collection/top.json")], set()
    server.public = left[0]["id"].partition("/iiif/presentation/")[0]
    while left:
        collection = left.pop()
        check(suites, "presentation schema", collection, schema)
        for item in collection["items"]:
            if item["id"] in seen:
                continue
            seen.add(item["id"])
            if item["type"] == "Collection":
                left.append(server.get(item["id"]))
            else:
                yield server.get(item["id"])


def check(suites: Suites, suite: str, document: Any, schema: Path) -> None:
    wrong = failure(document, schema)
    suites.record(suite, document["id"], *filter(None, [wrong]))
    suites.record("presentation linter", document["id"], *(f"{fault.level}: {fault.sentence}" for fault in lint(document)))


def container(server: Server, suites: Suites, folder: Path) -> None:
    """The collection, each of its pages, and each annotation on them."""
    whole = server.get("/annotations/")
    suites.record("web annotation collections", whole["id"], *failures(whole, folder, "collections/collectionMusts.test"))
    url, counted = whole.get("first"), 0
    while url:
        page = server.get(url)
        suites.record("web annotation collections", page["id"], *failures(page, folder, "collections/pages/pageMusts.test"))
        for annotation in page["items"]:
            counted += 1
            suites.record("web annotation model", annotation["id"], *failures(annotation, folder))
        url = page.get("next")
    if counted != whole["total"]:
        suites.record("web annotation collections", whole["id"], f"total is {whole['total']}, and the pages hold {counted}")


def main(base: str, shared: str = "") -> int:
    folder = Path(shared) if shared else SHARED
    schema, model = folder / "schemas" / "iiif" / "iiif_3_0.json", folder / "schemas" / "web-annotation"
    if not schema.is_file() or not model.is_dir():
        click.echo(f"SKIPPED: no schemas in {folder}", err=True)
        return 1
    server, suites = Server(base), Suites()
    for manifest in manifests(server, suites, schema):
        check(suites, "presentation schema", manifest, schema)
        for canvas in manifest["items"]:
            for page in canvas.get("annotations", ()):
                check(suites, "annotation pages", server.get(page["id"]), schema)
    container(server, suites, model)
    click.echo(f"web annotation model: {len(assertions(model))} assertions each")
    names = (
        "presentation schema",
        "presentation linter",
        "annotation pages",
        "web annotation collections",
        "web annotation model",
    )
    return suites.close(names)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python -m tests.contract.presentation_check BASE-URL [FOLDER-OF-SHARED]")
    sys.exit(main(*sys.argv[1:]))
