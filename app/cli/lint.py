"""`lectotype lint-manifest`: faults of an IIIF manifest that the published schema does not see."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import click

from annotations.lint import lint

MAX_BYTES = 100_000_000
TIMEOUT_S = 30


@click.command("lint-manifest", help="Check the IIIF Presentation 3 manifest, collection or annotation page at URL or FILE.")
@click.argument("source", metavar="URL|FILE")
@click.option("--json", "as_json", is_flag=True, help="Write the faults as JSON.")
def lint_manifest(source: str, as_json: bool) -> None:
    """Exit 0 without errors (warnings are allowed), 1 with errors or if it cannot be read."""
    faults = lint(read(source))
    errors = sum(fault.level == "error" for fault in faults)
    if as_json:
        click.echo(json.dumps([asdict(fault) for fault in faults], ensure_ascii=False))
    else:
        for fault in faults:
            click.echo(f"{fault.level}: {fault.sentence} {f'({fault.where})' if fault.where else ''}".rstrip())
        click.echo(f"{source}: {errors} errors, {len(faults) - errors} warnings")
    raise SystemExit(1 if errors else 0)


def read(source: str) -> Any:
    """The JSON at that address or in that file, up to 100 MB. ClickException if it cannot be read."""
    try:
        if source.startswith(("http://", "https://")):
            request = Request(source, headers={"Accept": "application/ld+json, application/json"})  # noqa: S310 - scheme checked above
            with urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - scheme checked above
                content: bytes = answer.read(MAX_BYTES + 1)
        else:
            with Path(source).open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise click.ClickException(f"{source} has more than {MAX_BYTES:,} bytes.")
        return json.loads(content)
    except (OSError, URLError) as error:
        raise click.ClickException(f"{source} cannot be read: {error}") from error
    except (ValueError, RecursionError) as error:
        raise click.ClickException(f"{source} is not JSON: {error}") from error
