"""`lectotype validate`: what a document of linked data says amiss."""

import json
import re
from dataclasses import asdict
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import click

from app.runtime.errors import DomainError
from app.runtime.settings import Settings
from ontology import contexts, rdf, shapes

MAX_BYTES = 100_000_000
TIMEOUT_S = 30
ACCEPT = "application/ld+json, text/turtle;q=0.9, application/n-triples;q=0.8, application/rdf+xml;q=0.7"
SUFFIXES = {"json": "jsonld", "xml": "rdf", "owl": "rdf"}


@click.command(
    "validate", help="Check the RDF at IRI or in FILE (JSON-LD, Turtle, N-Triples, RDF/XML) by the hub's shapes (SHACL)."
)
@click.argument("source", metavar="FILE|IRI")
@click.option("--json", "as_json", is_flag=True, help="Write what was found as JSON.")
def validate(source: str, as_json: bool) -> None:
    """Exit 0 without violations (warnings are allowed), 1 with any or if it cannot be read."""
    data, form = read(source)
    try:
        base = base_of(data) or Settings().base_url
        triples = rdf.of_text(data, form, base)
    except DomainError as error:
        raise click.ClickException(f"{source}: {error.sentence}") from error
    faults = shapes.check(triples, base)
    violations = sum(fault.severity == "violation" for fault in faults)
    if as_json:
        click.echo(json.dumps([asdict(fault) for fault in faults], ensure_ascii=False))
    else:
        for fault in faults:
            click.echo(f"{fault.severity}: {fault}")
        click.echo(f"{source}: {len(triples)} triples, {violations} violations, {len(faults) - violations} warnings")
    raise SystemExit(1 if violations or not triples else 0)


def base_of(data: bytes) -> str:
    """The address of the hub whose own terms the document uses, by the context or the prefix that it names; empty for none."""
    pattern = rb"(https?://[^\s\"<>]{1,300}?)(?:" + re.escape(contexts.OWN_PATH.encode()) + rb"|/ns#)"
    match = re.search(pattern, data[:1_000_000])
    return match[1].decode(errors="replace") if match else ""


def read(source: str) -> tuple[bytes, rdf.Form]:
    """The bytes at that address or in that file, and their form. ClickException if they cannot be read."""
    try:
        if source.startswith(("http://", "https://")):
            with urlopen(Request(source, headers={"Accept": ACCEPT}), timeout=TIMEOUT_S) as answer:  # noqa: S310 - scheme checked above
                data, said = answer.read(MAX_BYTES + 1), answer.headers.get_content_type()
        else:
            with Path(source).open("rb") as file:
                data, said = file.read(MAX_BYTES + 1), source.rpartition(".")[2].lower()
    except (OSError, URLError) as error:
        raise click.ClickException(f"{source} cannot be read: {error}") from error
    if len(data) > MAX_BYTES:
        raise click.ClickException(f"{source} has more than {MAX_BYTES:,} bytes.")
    form = rdf.form_of(SUFFIXES.get(said, said)) or (rdf.FORMS["jsonld"] if said == "application/json" else None)
    if form is None:
        known = ", ".join(f".{suffix}" for suffix in rdf.FORMS)
        raise click.ClickException(f"{source} is {said or 'of no form'}, which is not read; these are: {known}.")
    return data, form
