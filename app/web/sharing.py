"""What the page of a specimen or of a segment offers to those who want it in a page of their own, or open in another viewer."""

from dataclasses import dataclass
from html import escape
from urllib.parse import quote, urlencode

from app.runtime.addresses import Addresses
from app.runtime.settings import Settings

USUAL_PX = (800, 700)
OEMBED = "application/json+oembed"


@dataclass(frozen=True, slots=True)
class Sharing:
    """HTML to be copied, and addresses. `drag` is what the IIIF icon carries into viewers; `discovery` is oEmbed's; `mirador` and
    `universal_viewer` are empty where the setting names none."""

    iframe: str
    component: str
    frame: str
    drag: str
    mirador: str
    universal_viewer: str
    discovery: str

    @property
    def link_header(self) -> str:
        """oEmbed, section 4: the same as in the page's head, for those who ask for the head alone."""
        return f'<{self.discovery}>; rel="alternate"; type="{OEMBED}"'


@dataclass(frozen=True, slots=True)
class Links:
    """`drop` is what the IIIF icon carries: viewers read `manifest` and `canvas`, or `iiif-content`; a click opens our page."""

    page: str
    drop: str
    content_state: str


def of_specimen(key: str, title: str, canvas: str, addresses: Addresses, settings: Settings) -> Sharing:
    """`canvas` is the address of the first that the public sees."""
    return _sharing(key, addresses.specimen_page(key), title, canvas, addresses, settings)


def of_segment(key: str, title: str, addresses: Addresses, settings: Settings) -> Sharing:
    return _sharing(key, addresses.segment_page(key), title, addresses.segment_canvas(key), addresses, settings)


def _sharing(key: str, page: str, title: str, canvas: str, addresses: Addresses, settings: Settings) -> Sharing:
    manifest, frame = addresses.manifest(key), f"{addresses.base}/embed/{key}"
    component = (
        f'<script async src="{addresses.base}/embed.js"></script>\n'
        f'<lectotype-viewer src="{page}" title="{escape(title)}"></lectotype-viewer>'
    )
    value = quote(manifest, safe="")
    return Sharing(
        iframe=iframe(frame, title, *USUAL_PX),
        component=component,
        frame=frame,
        drag=f"{page}?manifest={value}&canvas={quote(canvas, safe='')}&iiif-content={value}",
        mirador=_viewer(settings.mirador_url, manifest),
        universal_viewer=_viewer(settings.universal_viewer_url, manifest),
        discovery=f"{addresses.base}/oembed?{urlencode({'url': page, 'format': 'json'})}",
    )


def _viewer(address: str, manifest: str) -> str:
    return address + quote(manifest, safe=":/") if address else ""


def iframe(src: str, title: str, width_px: int, height_px: int) -> str:
    """The frame as HTML."""
    size = {"width": str(width_px), "height": str(height_px)}
    said = {"src": src, **size, "title": title, "style": "border:0", "allow": "fullscreen"}
    attributes = " ".join(f'{name}="{escape(value)}"' for name, value in said.items())
    return f"<iframe {attributes}></iframe>"
