"""An image request: text in, geometry out, without any pixels (Image API 3.0 and 2.1, section 4).

Each parameter is parsed by itself and then resolved against an image and the server's limits. All regions are in pixels
of the full upright image. Whatever is wrong is a BadParameter; the canonical form is that of section 4.7.
"""

import math
import re
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from iiif.image.errors import BadParameter

Version = Literal[2, 3]
INTEGER = r"\d{1,12}"
NUMBER = r"\d{1,12}(?:\.\d{1,12})?|\.\d{1,12}"
QUALITIES = ("default", "color", "gray", "bitonal")
FORMATS = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "tif": "image/tiff",
    "gif": "image/gif",
    "avif": "image/avif",
    "pdf": "application/pdf",
}


@dataclass(frozen=True, slots=True)
class SizeLimits:
    """The largest picture given out (section 5.3: maxWidth, also for the height, and maxArea), as it is asked for and also
    with the corners that it gets when it is turned by other than quarters."""

    max_width_px: int
    max_area_px: int

    def allow(self, width: int, height: int) -> bool:
        return max(width, height) <= self.max_width_px and width * height <= self.max_area_px

    def largest(self, width: int, height: int) -> tuple[int, int]:
        """The largest size of that shape within the limits, be it smaller or greater."""
        scale = min(self.max_width_px / max(width, height), (self.max_area_px / (width * height)) ** 0.5)
        return max(1, int(width * scale)), max(1, int(height * scale))


@dataclass(frozen=True, slots=True)
class PixelBox:
    """A rectangle within the full image: pixels, origin at the upper left, width and height at least 1."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class RegionParameter:
    """Section 4.1: `full`, `square`, `x,y,w,h` or `pct:x,y,w,h`."""

    form: Literal["full", "square", "px", "pct"]
    numbers: tuple[Decimal, ...] = ()
    text: str = "full"

    @classmethod
    def parse(cls, text: str) -> "RegionParameter":
        if text == "full":
            return cls("full", (), text)
        if text == "square":
            return cls("square", (), text)
        number = NUMBER if text.startswith("pct:") else INTEGER
        match = re.fullmatch(rf"(?:pct:)?({number}),({number}),({number}),({number})", text, re.ASCII)
        if match is None:
            raise BadParameter("region", text, "is none of full, square, x,y,w,h and pct:x,y,w,h")
        return cls("pct" if text.startswith("pct:") else "px", tuple(Decimal(group) for group in match.groups()), text)

    def resolve(self, width: int, height: int) -> PixelBox:
        """The part that lies within an image of that size; BadParameter if nothing does."""
        if self.form == "full":
            return PixelBox(0, 0, width, height)
        if self.form == "square":
            side = min(width, height)
            return PixelBox((width - side) // 2, (height - side) // 2, side, side)
        x, y, w, h = self.numbers
        if w == 0 or h == 0:
            raise BadParameter("region", self.text, "has no width or no height")
        if self.form == "pct":
            x, w = x * width / 100, w * width / 100
            y, h = y * height / 100, h * height / 100
        if x >= width or y >= height:
            raise BadParameter("region", self.text, f"lies outside the image of {width} × {height} pixels")
        left, top = min(_round(x), width - 1), min(_round(y), height - 1)
        return PixelBox(left, top, max(1, min(_round(w), width - left)), max(1, min(_round(h), height - top)))


@dataclass(frozen=True, slots=True)
class Size:
    """Section 4.2. `upscale` is the `^` of 3.0; in 2.1 every size may be larger than the region but `full` and `max`."""

    form: Literal["max", "w", "h", "pct", "wh", "confined"]
    upscale: bool = False
    width: int = 0
    height: int = 0
    percent: Decimal = Decimal(0)
    text: str = "max"

    @classmethod
    def parse(cls, text: str, version: Version = 3) -> "Size":
        if text == "max" or (text == "full" and version == 2):
            return cls("max", text=text)
        if text == "^max" and version == 3:
            return cls("max", upscale=True, text=text)
        match = re.fullmatch(rf"(\^?)(?:pct:({NUMBER})|(!?)({INTEGER})?,({INTEGER})?)", text, re.ASCII)
        if match is None or (match[1] and version == 2):
            raise BadParameter("size", text, "is no form of this parameter", version=version)
        upscale, percent, confined, width, height = bool(match[1]) or version == 2, match[2], match[3], match[4], match[5]
        if percent is not None:
            return cls("pct", upscale, percent=Decimal(percent), text=text)
        if (width is None and height is None) or (confined and (width is None or height is None)):
            raise BadParameter("size", text, "lacks a number", version=version)
        if any(side is not None and int(side) == 0 for side in (width, height)):
            raise BadParameter("size", text, "has no width or no height", version=version)
        if confined:
            return cls("confined", bool(match[1]), int(width), int(height), text=text)
        form: Literal["w", "h", "wh"] = "w" if height is None else "h" if width is None else "wh"
        return cls(form, upscale, int(width or 0), int(height or 0), text=text)

    def resolve(self, region: PixelBox, limits: SizeLimits) -> tuple[int, int]:
        """Width and height of the picture; BadParameter where it would be upscaled unasked, or is over the limits."""
        width, height = self._wanted(region, limits)
        if width < 1 or height < 1:
            raise BadParameter("size", self.text, "is less than one pixel")
        if not self.upscale and (width > region.width or height > region.height):
            raise BadParameter(
                "size", self.text, f"is larger than the region of {region.width} × {region.height} pixels and has no ^"
            )
        if not limits.allow(width, height):
            most = f"{limits.max_width_px} pixels on a side and {limits.max_area_px} in all"
            raise BadParameter("size", self.text, f"would give {width} × {height} pixels; the limits are {most}")
        return width, height

    def _wanted(self, region: PixelBox, limits: SizeLimits) -> tuple[int, int]:
        if self.form == "max":
            fits = limits.allow(region.width, region.height) and not self.upscale
            return (region.width, region.height) if fits else limits.largest(region.width, region.height)
        if self.form == "pct":
            return _round(region.width * self.percent / 100), _round(region.height * self.percent / 100)
        if self.form == "w":
            return self.width, other_side(region.width, region.height, self.width)
        if self.form == "h":
            return other_side(region.height, region.width, self.height), self.height
        if self.form == "wh":
            return self.width, self.height
        return self._confined(region, limits)

    def _confined(self, region: PixelBox, limits: SizeLimits) -> tuple[int, int]:
        most_width, most_height = limits.largest(region.width, region.height)
        most_width, most_height = min(most_width, self.width), min(most_height, self.height)
        if not self.upscale:
            most_width, most_height = min(most_width, region.width), min(most_height, region.height)
        if most_width * region.height <= most_height * region.width:
            return most_width, max(1, min(most_height, other_side(region.width, region.height, most_width)))
        return max(1, min(most_width, other_side(region.height, region.width, most_height))), most_height


@dataclass(frozen=True, slots=True)
class Rotation:
    """Clockwise degrees from 0 up to 360, after mirroring if `mirror` (section 4.3)."""

    degrees: Decimal
    mirror: bool = False

    @classmethod
    def parse(cls, text: str) -> "Rotation":
        match = re.fullmatch(rf"(!?)({NUMBER})", text, re.ASCII)
        if match is None or Decimal(match[2]) > 360:
            raise BadParameter("rotation", text, "is no number from 0 to 360, with or without a ! before it")
        return cls(Decimal(match[2]) % 360, mirror=match[1] == "!")

    def check(self, width: int, height: int, limits: SizeLimits) -> None:
        """BadParameter where a picture of that size, which is within the limits, is not any more once it is turned."""
        turned = self.turned(width, height)
        if self.degrees % 90 and not limits.allow(*turned):
            why = f"would give {turned[0]} × {turned[1]} pixels with its corners; ask for a smaller size"
            raise BadParameter("rotation", str(self), why)

    def turned(self, width: int, height: int) -> tuple[int, int]:
        """The size that a picture of that size has once it is turned, with its corners."""
        if self.degrees % 90 == 0:
            return (height, width) if self.degrees % 180 else (width, height)
        angle = math.radians(float(self.degrees))
        along, across = abs(math.cos(angle)), abs(math.sin(angle))
        return math.ceil(width * along + height * across), math.ceil(width * across + height * along)

    def __str__(self) -> str:
        degrees = f"{self.degrees:f}"
        if "." in degrees:
            degrees = degrees.rstrip("0").rstrip(".")
        return ("!" if self.mirror else "") + (degrees or "0")


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """The five parameters, each well-formed by itself."""

    version: Version
    region: RegionParameter
    size: Size
    rotation: Rotation
    quality: str
    format: str

    @classmethod
    def parse(cls, version: Version, region: str, size: str, rotation: str, quality: str, format_: str) -> "ImageRequest":
        return cls(
            version,
            RegionParameter.parse(region),
            Size.parse(size, version),
            Rotation.parse(rotation),
            parse_quality(quality),
            parse_format(format_),
        )

    def resolve(self, width: int, height: int, limits: SizeLimits) -> "Geometry":
        """The geometry on an image of that size."""
        region = self.region.resolve(width, height)
        out_width, out_height = self.size.resolve(region, limits)
        self.rotation.check(out_width, out_height, limits)
        return Geometry(width, height, region, out_width, out_height, self.rotation, self.quality, self.format)


@dataclass(frozen=True, slots=True)
class Geometry:
    """What to take and what to make of it: the region of the full image, scaled, mirrored, turned, in colours and format."""

    image_width: int
    image_height: int
    region: PixelBox
    width: int
    height: int
    rotation: Rotation
    quality: str
    format: str

    def canonical(self, version: Version, limits: SizeLimits) -> str:
        """The path behind the identifier that names this very picture (section 4.7)."""
        box = self.region
        whole = box == PixelBox(0, 0, self.image_width, self.image_height)
        region = "full" if whole else f"{box.x},{box.y},{box.width},{box.height}"
        quality = "default" if self.quality == "color" else self.quality
        return f"{region}/{self._canonical_size(version, limits)}/{self.rotation}/{quality}.{self.format}"

    def shifted(self, x: int, y: int, width: int, height: int) -> "Geometry":
        """The same picture in the frame of an image of that size, in which this one is a segment that begins at x, y."""
        box = PixelBox(self.region.x + x, self.region.y + y, self.region.width, self.region.height)
        return replace(self, image_width=width, image_height=height, region=box)

    def _canonical_size(self, version: Version, limits: SizeLimits) -> str:
        size = (self.width, self.height)
        if size == Size("max").resolve(self.region, limits):
            return (
                "max" if version == 3 else "full" if size == (self.region.width, self.region.height) else f"{size[0]},{size[1]}"
            )
        if version == 2:
            keeps_shape = other_side(self.region.width, self.region.height, self.width) == self.height
            return f"{self.width}," if keeps_shape else f"{self.width},{self.height}"
        upscaled = self.width > self.region.width or self.height > self.region.height
        return f"{'^' if upscaled else ''}{self.width},{self.height}"


def parse_quality(text: str) -> str:
    """Section 4.4."""
    if text not in QUALITIES:
        raise BadParameter("quality", text, f"is none of {', '.join(QUALITIES)}")
    return text


def parse_format(text: str) -> str:
    """Section 4.5."""
    if text not in FORMATS:
        raise BadParameter("format", text, f"is none of {', '.join(FORMATS)}")
    return text


def other_side(side: int, other: int, wanted: int) -> int:
    """The other side of the picture when `side` becomes `wanted`, at least 1.

    At the scale of a level it is rounded up, as the levels (and the viewers that ask for their tiles) do; otherwise to
    the nearest.
    """
    scale = 1 << max(0, (side // wanted).bit_length() - 1)
    for power in (scale, scale * 2):
        if -(-side // power) == wanted:
            return -(-other // power)
    return max(1, (2 * other * wanted + side) // (2 * side))


def _round(number: Decimal) -> int:
    return int(number.quantize(Decimal(1), rounding=ROUND_HALF_UP))
