"""`lectotype access`: who sees how much of an image."""

import json
from collections.abc import Sequence

import click
from sqlalchemy.orm import Session

from app import compose
from app.runtime import clock
from app.runtime.errors import DomainError
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.errors import UnknownMedia
from iiif.catalogue.model import Access
from iiif.image.serving.open_images import KEPT_S


@click.command()
@click.argument("keys", metavar="KEY...", nargs=-1, required=True)
@click.argument("access", metavar="open|reduced|closed", type=click.Choice(["open", "reduced", "closed"]))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def access(keys: Sequence[str], access: Access, as_json: bool) -> None:
    """Set who sees images: everybody (open), everybody in a small view (reduced), or only bearers of a token (closed).

    KEY is an image, or a specimen for all its images. All of them are changed, or none.
    """
    runtime = compose.build()
    compose.prepare(runtime)
    try:
        with runtime.db.begin() as session:
            images = list(dict.fromkeys(image for key in keys for image in _images(session, key)))
            for image in images:
                catalogue.set_access(session, image, access, by=Principal.of_operator(), at=clock.now())
            shared = sum(len(shown) > 1 for shown in catalogue.specimens_of_media(session, images).values())
    except DomainError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps({"access": access, "images": images, "in_force_s": KEPT_S}))
        return
    click.echo(f"{len(images)} image{'' if len(images) == 1 else 's'} {access}, in force everywhere within {KEPT_S:.0f} seconds.")
    if shared:
        click.echo(f"{shared} of them show{'s' if shared == 1 else ''} several specimens, and are so for all of them.")
    click.echo("What caches elsewhere or browsers hold of a picture they may show for another day.")


def _images(session: Session, key: str) -> list[str]:
    """The image of that key, or the images of the specimen. Raises UnknownSpecimen for neither."""
    try:
        return [catalogue.get_media(session, key).key]
    except UnknownMedia:
        specimen = catalogue.get_specimen(session, key)
        return [image.key for image in catalogue.media_of(session, specimen.key)]
