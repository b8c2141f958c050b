"""The table of abilities as Markdown, for docs/exchange.md."""

from annotations.exchange.abilities import FEATURES
from annotations.exchange.formats import FORMATS

SIGNS = {"exact": "yes", "near": "nearly", "beside": "beside", "lost": "—", "out": "left out"}


def tables() -> str:
    """One table for all formats, and below it what each does with what it cannot keep."""
    names = list(FORMATS)
    lines = ["| | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for feature in FEATURES:
        cells = [SIGNS[FORMATS[name].abilities[feature].keeps] for name in names]
        lines.append(f"| {feature} | " + " | ".join(cells) + " |")
    lines.append("")
    for name in names:
        done: dict[str, list[str]] = {}
        for feature, ability in FORMATS[name].abilities.items():
            if ability.done:
                done.setdefault(ability.done, []).append(feature)
        if done:
            sentences = "; ".join(f"*{', '.join(features)}*: {sentence}" for sentence, features in done.items())
            lines.append(f"- **{FORMATS[name].label}**: {sentences}.")
    return "\n".join(lines) + "\n"
