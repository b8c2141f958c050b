"""`lectotype depict`: which specimens an image shows."""

import json
from typing import cast

import click

from app import compose
from app.runtime import clock
from app.runtime.errors import DomainError
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import DEPICTION_ROLES, DepictionRole, OwnRegion


@click.command()
@click.argument("specimen")
@click.argument("image")
@click.option(
    "--role", type=click.Choice([role for role in DEPICTION_ROLES if role]), help="What the image shows of the specimen."
)
@click.option(
    "--region", metavar="X,Y,W,H", help="The part of the image that is this specimen's, in pixels of the upright image."
)
@click.option("--end", is_flag=True, help="Say that the image does not show the specimen.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def depict(specimen: str, image: str, role: str | None, region: str | None, end: bool, as_json: bool) -> None:
    """Say that IMAGE shows SPECIMEN. It is then one of the specimen's images.

    Role and region replace the earlier ones; without the options there are none.
    """
    if end and (role or region):
        raise click.UsageError("--end goes with neither --role nor --region.")
    runtime = compose.build()
    compose.prepare(runtime)
    by, at = Principal.of_operator(), clock.now()
    try:
        with runtime.db.begin() as session:
            if end:
                catalogue.end_depiction(session, specimen, image, by=by, at=at)
            else:
                box = OwnRegion.parse(region) if region else None
                catalogue.depict(session, specimen, image, role=cast(DepictionRole, role or ""), region=box, by=by, at=at)
            shown = catalogue.specimens_of_media(session, [image])[image]
    except DomainError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        specimens = [
            {"specimen": one.specimen_key, "role": one.role or None, "region": one.region.xywh() if one.region else None}
            for one in shown
        ]
        click.echo(json.dumps({"image": image, "specimens": specimens}))
        return
    click.echo(f"The image {image} shows {len(shown)} specimen{'' if len(shown) == 1 else 's'}:")
    for one in shown:
        parts = [one.role, f"in {one.region.xywh()}" if one.region else "", "its home specimen" if one.is_home else ""]
        click.echo("  " + ", ".join([one.specimen_key, *filter(None, parts)]))
