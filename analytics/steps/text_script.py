"""The script of what was read, by its letters; nothing where they tell too little.

The recogniser knows Latin, Greek, Chinese and Japanese letters. Of others, such as Cyrillic and Arabic, it leaves out what it
does not know, and is sure of the rest: so a line with far fewer characters than its length has room for tells no script.
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence

from analytics.steps.ocr_engine import TextLine

SCRIPTS = {  # first word of a letter's name: code of ISO 15924
    "LATIN": "Latn", "GREEK": "Grek", "CYRILLIC": "Cyrl", "ARABIC": "Arab", "HEBREW": "Hebr", "HIRAGANA": "Jpan",
    "KATAKANA": "Jpan", "CJK": "Hani", "HANGUL": "Hang",
}  # fmt: skip
FEWEST = 3  # letters
MOST_OF = 0.9  # of the letters
SURE = 0.8  # the least score of a line whose letters count
WIDE = 0.8  # of a line's height: letters are narrower on average, spaces included


def script_of(lines: Sequence[TextLine]) -> str:
    """A code of ISO 15924, or nothing. Chinese with Japanese syllables is Japanese."""
    counted: Counter[str] = Counter()
    for line in lines:
        if line.score >= SURE and _is_filled(line):
            counted.update(
                SCRIPTS.get(unicodedata.name(letter, "").split(" ")[0], "") for letter in line.text if letter.isalpha()
            )
    if counted["Jpan"]:
        counted["Jpan"] += counted.pop("Hani", 0)
    total = sum(counted.values())
    if total < FEWEST:
        return ""
    first, number = counted.most_common(1)[0]
    return first if number >= MOST_OF * total else ""


def _is_filled(line: TextLine) -> bool:
    """Whether as many characters were read as such a line holds."""
    (ax, ay), (bx, by), _, (dx, dy) = line.quad
    across, down = ((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5, ((dx - ax) ** 2 + (dy - ay) ** 2) ** 0.5
    return bool(across <= WIDE * max(down, 1.0) * len(line.text))
