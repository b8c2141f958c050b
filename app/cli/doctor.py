"""`lectotype doctor`: is everything there that a hub needs?"""

import json
import sys
from dataclasses import asdict

import click

from app import compose
from app import doctor as examination
from app.runtime.settings import Settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--settings", "show_settings", is_flag=True, help="Print docs/settings.md, made from the code, and check nothing.")
def doctor(as_json: bool, show_settings: bool) -> None:
    """Check addresses, services, folders, libraries, limits and the way through a reverse proxy; exit 1 if one is wrong."""
    if show_settings:
        click.echo(settings_table(), nl=False)
        return
    found = examination.examine(compose.build())
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found]))
    else:
        for one in found:
            click.echo(f"{'ok   ' if one.well else 'WRONG'}  {one.name:14}  {one.says}")
    sys.exit(not all(one.well for one in found))


def settings_table() -> str:
    """docs/settings.md: each setting with its default and meaning."""
    lines = [
        "# Settings",
        "",
        "Each is read from the environment, or in lower case and without the prefix from `lectotype.toml` in the current folder;",
        "the environment wins. `lectotype doctor` checks them. This page is written by `lectotype doctor --settings`.",
        "",
        "| variable | default | meaning |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = f"`{field.default}`" if field.default != "" else "empty"
        meaning = (field.description or "").replace("|", "\\|")
        lines.append(f"| `LECTOTYPE_{name.upper()}` | {default} | {meaning} |")
    return "\n".join(lines) + "\n"
