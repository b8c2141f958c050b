"""oEmbed 1.0: what a page elsewhere needs to show a specimen whose address was pasted into it (https://oembed.com)."""

from typing import Any

from flask import Blueprint, Response, request

from app.problems import problem
from app.runtime import context
from app.runtime.addresses import Addresses
from app.runtime.errors import Invalid, NotFound
from app.runtime.http import answer, integer
from app.runtime.principal import NOBODY
from app.web.embed import place
from app.web.embed.place import OURS_ALONE, Opened
from app.web.sharing import USUAL_PX, iframe
from iiif.image.service import thumbnail
from iiif.presentation.content_state import ContentState

blueprint = Blueprint("oembed", __name__)
SPEC = "https://oembed.com/#section2"
LONGEST_URL = 2_000
CACHE_S = 86_400


@blueprint.get("/oembed")
def oembed() -> Response:
    """404 for what is not ours, 401 for what is not public, 501 for another form than JSON (sections 2.2 and 2.3.4)."""
    url, form = request.args.get("url", ""), request.args.get("format", "json")
    if form != "json":
        return problem(501, "Not implemented", "oEmbed is answered as JSON here: format=json.", parameter="format", spec=SPEC)
    if not url or len(url) > LONGEST_URL:
        raise Invalid(
            f"url is the address of a specimen or segment of this hub, of up to {LONGEST_URL:,} characters.", parameter="url"
        )
    size = (integer("maxwidth", USUAL_PX[0], 1, 100_000), integer("maxheight", USUAL_PX[1], 1, 100_000))
    runtime = context.current()
    wanted = place.of_key(_key(url, runtime.addresses), {})
    with runtime.reads.begin() as session:
        opened = place.open_place(session, wanted, runtime.addresses)
        body = _rich(opened, size)
    return answer(body, headers={"Cache-Control": f"public, max-age={CACHE_S // 24}"})


def _key(url: str, addresses: Addresses) -> str:
    """The key of the specimen or segment whose page, identifier, manifest, canvas or frame it is. Raises NotFound."""
    path = addresses.path_of(url.partition("?")[0].partition("#")[0])
    if path is not None and path.startswith("embed/"):
        return path.removeprefix("embed/")
    if path is None:
        raise NotFound(OURS_ALONE)
    return place.identify(ContentState(url.partition("?")[0].partition("#")[0]), addresses)[0]


def _rich(opened: Opened, most: tuple[int, int]) -> dict[str, Any]:

    settings, addresses = context.current().settings, context.current().addresses
    width, height = min(USUAL_PX[0], most[0]), min(USUAL_PX[1], most[1])
    title = title_of(opened)
    body: dict[str, Any] = {
        "type": "rich",
        "version": "1.0",
        "title": title,
        "author_name": opened.specimen.institution_code or settings.provider_name,
        "provider_name": settings.provider_name,
        "provider_url": settings.provider_url or f"{settings.base_url}/",
        "cache_age": CACHE_S,
        "html": iframe(f"{addresses.base}/embed/{opened.key}", title, width, height),
        "width": width,
        "height": height,
    }
    picture = thumbnail(addresses, opened.view.media, NOBODY, segment=opened.view.segment)
    if picture is not None and picture["width"] <= most[0] and picture["height"] <= most[1]:
        body |= {f"thumbnail_{to}": picture[name] for to, name in (("url", "id"), ("width", "width"), ("height", "height"))}
    return body


def title_of(opened: Opened) -> str:
    """`Quercus robur L., BR 0001`; of a segment what it is before that."""
    specimen = opened.specimen
    if opened.segment is not None:
        return opened.title
    return ", ".join(part for part in (specimen.scientific_name, specimen.catalog_number) if part) or specimen.key
