"""The metadata inside pictures: creator, rights and persistent identifier, as XMP (ISO 16684-1).

A packet is put into an encoded picture without decoding it. Nothing else of a master's metadata gets into pictures, for
derivatives are written without any.
"""

import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from xml.sax.saxutils import escape

from app.runtime.settings import Settings
from iiif.catalogue import rights
from iiif.catalogue.model import Media
from iiif.image.pyramid.camera_facts import CameraFacts

MAX_TEXT = 1000  # characters of one value, so that a packet always fits into one JPEG segment
MAX_PACKET = 65_502  # bytes (XMP part 3, section 1.1.3)
NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "exifEX": "http://cipa.jp/exif/1.0/",
}
JPEG_ID = b"http://ns.adobe.com/xap/1.0/\0"
PNG_ID = b"XML:com.adobe.xmp\0\0\0\0\0"  # not compressed, no language, no translated keyword
WEBP_HAS_ALPHA, WEBP_HAS_XMP = 0x10, 0x04
XMP_TAG, BYTE = 700, 1
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Policy:
    """What pictures carry: `none`, `rights`, or `camera` (rights and camera facts); the place only with `gps`."""

    kind: str
    gps: bool

    @classmethod
    def of(cls, settings: Settings) -> "Policy":
        return cls(settings.picture_metadata, settings.picture_gps)

    def of_withheld_place(self) -> "Policy":
        """The same for an image of a specimen whose place is held back."""
        return replace(self, gps=False)


def packet(media: Media, address: str, facts: CameraFacts | None, policy: Policy) -> bytes:
    """The XMP packet of an image whose persistent identifier is `address`; empty where the policy is `none`."""
    if policy.kind == "none":
        return b""
    camera = facts if facts is not None and policy.kind == "camera" else CameraFacts()
    parts = [_rights(media, camera), _simple("dc:identifier", address), _simple("dc:source", address), _camera(camera)]
    if policy.gps:
        parts.append(_place(camera))
    spaces = " ".join(f'xmlns:{name}="{iri}"' for name, iri in NAMESPACES.items())
    about = escape(_text(address), {'"': "&quot;"})
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="{about}" {spaces}>{"".join(parts)}</rdf:Description></rdf:RDF></x:xmpmeta>'
        '<?xpacket end="r"?>'
    ).encode()


def embed(body: bytes, format: str, packet: bytes) -> bytes:  # noqa: A002 - the Image API's own word
    """The encoded picture with the packet in it, its compressed pixels untouched; unchanged where there is no place for one.

    `format` as in the Image API: jpg, png, webp and tif take it. ValueError if the body is not of that format, or the
    packet has more than MAX_PACKET bytes.
    """
    put = _EMBED.get(format)
    if put is None or not packet:
        return body
    if len(packet) > MAX_PACKET:
        raise ValueError(f"a packet of {len(packet)} bytes fits into no JPEG segment")
    return put(body, packet)


def _rights(media: Media, camera: CameraFacts) -> str:
    terms, iri = media.rights or camera.copyright, rights.iri_of(media.rights)
    parts = [
        _listed("dc:creator", "Seq", media.creator or camera.artist),
        _alternative("dc:rights", terms),
        _listed("xmpRights:Owner", "Bag", media.rights_holder),
        _simple("xmpRights:WebStatement", iri),
        "" if iri == terms else _alternative("xmpRights:UsageTerms", terms),
        _simple("xmpRights:Marked", "True" if terms and "publicdomain" not in iri else ""),
    ]
    return "".join(parts)


def _camera(facts: CameraFacts) -> str:
    parts = [
        _simple("exif:DateTimeOriginal", facts.taken_at),
        _simple("tiff:Make", facts.make),
        _simple("tiff:Model", facts.model),
        _simple("exifEX:LensModel", facts.lens),
        _simple("exif:ExposureTime", _rational(facts.exposure)),
        _simple("exif:FNumber", _ratio(facts.f_number)),
        _listed("exif:ISOSpeedRatings", "Seq", str(facts.iso or "")),
        _simple("exif:FocalLength", _ratio(facts.focal_length_mm)),
    ]
    return "".join(parts)


def _place(facts: CameraFacts) -> str:
    if facts.latitude is None or facts.longitude is None:
        return ""
    latitude, longitude = _degrees(facts.latitude, "NS"), _degrees(facts.longitude, "EW")
    return _simple("exif:GPSLatitude", latitude) + _simple("exif:GPSLongitude", longitude)


def _degrees(value: float, letters: str) -> str:
    """`52,31.123456N` (XMP part 2, section 1.2.7.4)."""
    whole, rest = divmod(round(abs(value) * 60_000_000), 60_000_000)
    return f"{whole},{rest / 1_000_000:.6f}{letters[value < 0]}"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{round(value * 1000)}/1000"


def _rational(text: str) -> str:
    return text if "/" in text or not text else f"{text}/1"


def _text(value: str) -> str:
    return _NOT_XML.sub("", value)[:MAX_TEXT]


def _simple(name: str, value: str) -> str:
    return f"<{name}>{escape(_text(value))}</{name}>" if value else ""


def _listed(name: str, kind: str, value: str) -> str:
    return f"<{name}><rdf:{kind}><rdf:li>{escape(_text(value))}</rdf:li></rdf:{kind}></{name}>" if value else ""


def _alternative(name: str, value: str) -> str:
    """A text in the one language that is given."""
    if not value:
        return ""
    return f'<{name}><rdf:Alt><rdf:li xml:lang="x-default">{escape(_text(value))}</rdf:li></rdf:Alt></{name}>'


def _into_jpeg(body: bytes, packet: bytes) -> bytes:
    """An APP1 behind JFIF's APP0, which has to stand first (XMP part 3, section 1.1.3)."""
    _expect(body[:2] == b"\xff\xd8", "JPEG")
    at = 4 + int.from_bytes(body[4:6], "big") if body[2:4] == b"\xff\xe0" else 2
    data = JPEG_ID + packet
    return _with(body, at, b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data)


def _into_png(body: bytes, packet: bytes) -> bytes:
    """An iTXt chunk behind IHDR (section 1.1.5)."""
    _expect(body[:8] == b"\x89PNG\r\n\x1a\n" and body[12:16] == b"IHDR", "PNG")
    kind_and_data = b"iTXt" + PNG_ID + packet
    chunk = struct.pack(">I", len(kind_and_data) - 4) + kind_and_data + struct.pack(">I", zlib.crc32(kind_and_data))
    return _with(body, 33, chunk)


def _into_webp(body: bytes, packet: bytes) -> bytes:
    """An XMP chunk as the last one, announced in VP8X, which is added where the file is a simple one (RFC 9649)."""
    _expect(body[:4] == b"RIFF" and body[8:12] == b"WEBP", "WebP")
    end = 8 + int.from_bytes(body[4:8], "little")
    chunks = body[12:end]
    if chunks[:4] == b"VP8X":
        chunks = chunks[:8] + bytes([chunks[8] | WEBP_HAS_XMP]) + chunks[9:]
    else:
        width, height, alpha = _webp_size(chunks)
        flags = WEBP_HAS_XMP | (WEBP_HAS_ALPHA if alpha else 0)
        extended = struct.pack("<II", 10, flags) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        chunks = b"VP8X" + extended + chunks
    chunks += b"XMP " + struct.pack("<I", len(packet)) + packet + bytes(len(packet) % 2)
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


def _webp_size(chunks: bytes) -> tuple[int, int, bool]:
    """Width and height in pixels, and whether there is alpha, of the one chunk of a simple file."""
    if chunks[:4] == b"VP8L":
        bits = int.from_bytes(chunks[9:13], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)
    _expect(chunks[:4] == b"VP8 " and chunks[11:14] == b"\x9d\x01\x2a", "WebP")
    width, height = struct.unpack_from("<HH", chunks, 14)
    return width & 0x3FFF, height & 0x3FFF, False


def _into_tiff(body: bytes, packet: bytes) -> bytes:
    """The packet and a new first directory, which is the old one with tag 700 in its place, behind all that is there."""
    _expect(body[:4] in (b"II*\0", b"MM\0*"), "TIFF")
    order = "<" if body[:2] == b"II" else ">"
    (at,) = struct.unpack_from(order + "I", body, 4)
    (count,) = struct.unpack_from(order + "H", body, at)
    entries = [body[place : place + 12] for place in range(at + 2, at + 2 + 12 * count, 12)]
    following = body[at + 2 + 12 * count : at + 6 + 12 * count]
    place = len(body) + len(body) % 2
    directory = place + len(packet) + len(packet) % 2
    entries = [entry for entry in entries if struct.unpack_from(order + "H", entry)[0] != XMP_TAG]
    entries.append(struct.pack(order + "HHII", XMP_TAG, BYTE, len(packet), place))
    entries.sort(key=lambda entry: int(struct.unpack_from(order + "H", entry)[0]))
    table = struct.pack(order + "H", len(entries)) + b"".join(entries) + following
    begin = body[:4] + struct.pack(order + "I", directory)
    end = bytes(place - len(body)) + packet.ljust(directory - place, b"\0") + table
    return b"".join((begin, memoryview(body)[8:], end))


def _with(body: bytes, at: int, more: bytes) -> bytes:
    """The body with more in it; what is large is copied once."""
    return b"".join((memoryview(body)[:at], more, memoryview(body)[at:]))


def _expect(holds: bool, kind: str) -> None:
    if not holds:
        raise ValueError(f"the picture is no {kind} of the kind that is written here")


_EMBED: dict[str, Callable[[bytes, bytes], bytes]] = {
    "jpg": _into_jpeg,
    "png": _into_png,
    "webp": _into_webp,
    "tif": _into_tiff,
}
