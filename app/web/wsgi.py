"""What the web server runs: Flask with the fast path for images in front of it."""

from app import compose
from app.web import create_app
from app.web.fast_images import FastImages
from iiif.image.serving import open_images


def application() -> FastImages:
    """The whole web process, from the settings."""
    runtime = compose.build()
    return FastImages(create_app(runtime).wsgi_app, open_images.of(runtime))
