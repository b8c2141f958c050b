"""Image API 3.0 and 2.1 over HTTP: errors, and what little is not answered before by app/web/fast_images.py."""

from flask import Blueprint, Response, request

from app.runtime import context
from iiif.image.serving import open_images, responses

blueprint = Blueprint("image", __name__, url_prefix="/iiif/<any('2','3'):version>")


@blueprint.get("/<path:rest>")
def image(version: str, rest: str) -> Response:  # noqa: ARG001 - read from the path, as the fast path does
    """`rest` is an identifier, which may hold slashes, alone or before `/info.json` or the parameters of a picture."""
    answer = responses.of(open_images.of(context.current())).answer(request.environ)
    response = Response([answer.body], answer.status, answer.headers)
    if "Content-Type" not in dict(answer.headers):
        del response.headers["Content-Type"]
    response.automatically_set_content_length = False
    return response
