"""Detections that several steps need, each computed once for an image, by whichever step asks first.

Another one is a function here that calls `image.once` with a name of its own, and a step asks for it by calling that function.
What it gives is in pixels of the image and must not be changed. It is not stored: after a restart it is computed again, so it
may depend on nothing but the pixels, not on parameters of a step.
"""

from analytics.steps import ocr_engine
from analytics.steps.image import SheetImage
from analytics.steps.ocr_engine import TextLine


def text_lines(image: SheetImage) -> tuple[TextLine, ...]:
    """Every line of text on a copy of LONGEST_SIDE_PX, as the first look at the whole image gives it; quads in its pixels."""
    return image.once("text lines", _text_lines)


def _text_lines(image: SheetImage) -> tuple[TextLine, ...]:
    copy = image.copy(ocr_engine.LONGEST_SIDE_PX)
    return tuple(TextLine(line.text, line.score, copy.to_image(line.quad)) for line in ocr_engine.read(copy.rgb))
