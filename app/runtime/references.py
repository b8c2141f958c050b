"""Text in the forms of reference managers: BibTeX and RIS."""

import unicodedata

LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"} | {
    special: f"\\{special}" for special in "{}$&#_%"
}


def plain(text: str) -> str:
    """In one line, without control characters: a line break begins another field in RIS."""
    return " ".join("".join(" " if unicodedata.category(sign).startswith("C") else sign for sign in text).split())


def latex(text: str) -> str:
    """The text with what TeX takes for its own escaped; letters beyond ASCII stay."""
    return "".join(LATEX.get(sign, sign) for sign in text)
