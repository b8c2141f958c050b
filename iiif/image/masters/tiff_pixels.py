"""What the numbers of a TIFF's pixels are: which samples are colours, which one is alpha, and which of both cannot be shown.

libvips takes every fourth band for alpha and knows no 12 bits; what it would show wrongly is refused here, from the
header alone (TIFF 6.0, sections 6, 8, 16, 18 and 20).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pyvips

from iiif.image.errors import RejectedImage

BITS, COMPRESSION, PHOTOMETRIC, SAMPLES, INK_SET, EXTRA_SAMPLES, SAMPLE_FORMAT = 258, 259, 262, 277, 332, 338, 339
TAGS = frozenset({BITS, COMPRESSION, PHOTOMETRIC, SAMPLES, INK_SET, EXTRA_SAMPLES, SAMPLE_FORMAT})
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, MASK, SEPARATED, YCBCR, CIELAB = 0, 1, 2, 3, 4, 5, 6, 8
COLOURS = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, SEPARATED: 4, YCBCR: 3, CIELAB: 3}
OTHERS = {MASK: "a mask", 9: "ICC L*a*b*", 10: "ITU L*a*b*", 32844: "logarithmic luminance", 32845: "logarithmic colours"}
JPEG = (6, 7)
ASSOCIATED, UNASSOCIATED = 1, 2
CMYK_INKS = 1
WHOLE_BITS = (1, 2, 4, 8, 16)
Fields = Mapping[int, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Samples:
    """The extra samples of each pixel, behind its colours: how many, and which of them is alpha (None: none is)."""

    extra: int = 0
    alpha: int | None = None

    def shown(self, image: pyvips.Image) -> pyvips.Image:
        """The colours, and alpha behind them if there is one. Extra samples that are no alpha are left out.

        libvips has taken alpha out of the colours already where it was multiplied in.
        """
        if not self.extra:
            return image
        count = image.bands - self.extra
        colours = image[0:count] if count > 1 else image[0]
        shown = colours if self.alpha is None else colours.bandjoin(image[count + self.alpha])
        wide = image.format == "ushort"
        names = {1: "grey16" if wide else "b-w", 3: "rgb16" if wide else "srgb", 4: "cmyk"}
        return shown.copy(interpretation=names[count])


def samples_of(fields: Fields) -> Samples:
    """How the samples of a directory are to be taken. Raises RejectedImage (`unsupported-pixels`), in words for people."""
    photometric = fields.get(PHOTOMETRIC, (BLACK_IS_ZERO,))[0]
    count = fields.get(SAMPLES, (1,))[0]
    if photometric not in COLOURS:
        raise _unsupported(f"The pixels are {OTHERS.get(photometric, f'of photometric interpretation {photometric}')}")
    _check_bits(set(fields.get(BITS, (1,))[:count]), photometric, count)
    if photometric == YCBCR and fields.get(COMPRESSION, (1,))[0] not in JPEG:
        raise _unsupported("The colours are YCbCr without JPEG compression")
    if photometric == SEPARATED and fields.get(INK_SET, (CMYK_INKS,))[0] != CMYK_INKS:
        raise _unsupported("The colours are inks other than cyan, magenta, yellow and black")
    extra = count - COLOURS[photometric]
    if extra < 0:
        raise _unsupported(f"Each pixel has {count} samples, too few for its colours")
    kinds = fields.get(EXTRA_SAMPLES, ())[:extra]
    alpha = next((number for number, kind in enumerate(kinds) if kind in (ASSOCIATED, UNASSOCIATED)), None)
    if extra and photometric in (YCBCR, CIELAB):
        raise _unsupported(f"Each pixel has {extra} samples beside colours that are no RGB")
    if alpha is not None and kinds[alpha] == ASSOCIATED and photometric not in (BLACK_IS_ZERO, RGB):
        raise _unsupported("Transparency is multiplied into colours that are neither RGB nor grey")
    return Samples(extra, alpha)


def _check_bits(bits: set[int], photometric: int, count: int) -> None:
    if len(bits) > 1:
        raise _unsupported(f"The channels have different numbers of bits ({', '.join(map(str, sorted(bits)))})")
    (number,) = bits
    if number > max(WHOLE_BITS):
        return  # measures, of which colour.py tells
    if number not in WHOLE_BITS or (number < 8 and (count > 1 or photometric == SEPARATED)):
        raise _unsupported(f"The pixels have {number} bits a channel")


def _unsupported(what: str) -> RejectedImage:
    return RejectedImage(
        "unsupported-pixels", f"{what}. Such a TIFF is not read: save it as RGB or grey with 8 or 16 bits a channel."
    )
