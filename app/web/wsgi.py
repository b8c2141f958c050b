"""What the web server runs: Flask with the fast path for images in front of it."""

from typing import TYPE_CHECKING

from app import compose
from app.web import create_app
from app.web.below_path import BelowPath, path_of
from app.web.body_places import BodyPlaces
from app.web.fast_images import FastImages
from iiif.image.serving import open_images

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


def application() -> "WSGIApplication":
    """The whole web process, from the settings."""
    runtime = compose.build()
    settings = runtime.settings
    pages = BodyPlaces(create_app(runtime).wsgi_app, settings.web_threads, settings.max_body_bytes)
    web = FastImages(pages, open_images.of(runtime))
    return BelowPath(web, settings.base_url) if path_of(settings.base_url) else web
