"""Selectors as tests write them, on a canvas of 4,000 by 6,000 units."""

from annotations.model import Canvas

SHEET = Canvas(4000, 6000)


def fragment(value: str) -> dict[str, str]:
    return {"type": "FragmentSelector", "value": value}


def svg(inner: str) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg">{inner}</svg>'


def drawn(inner: str) -> dict[str, str]:
    return {"type": "SvgSelector", "value": svg(inner)}
