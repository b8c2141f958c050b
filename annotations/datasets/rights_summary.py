"""The licences of a version, counted and never put in one word, and who is to be named."""

from collections import Counter
from typing import Any

from sqlalchemy.orm import Session

from annotations.datasets import store
from annotations.datasets.model import Policy
from iiif.catalogue import rights

OPEN = ("publicdomain/zero", "publicdomain/mark", "licenses/by/", "licenses/by-sa/")
SHOWN = 50  # holders and creators that a summary names; ATTRIBUTION.csv names all


def admits(policy: Policy, licence: str, said: str) -> bool:
    """Whether an image under that licence (address, or empty) goes in; `said` is what its source says of rights."""
    match policy:
        case "open":
            return is_open(licence)
        case "stated":
            return bool(licence or said.strip())
    return True


def is_open(licence: str) -> bool:
    """Whether it lets everybody use, change and pass on what is under it: CC0, public domain mark, CC BY, CC BY-SA."""
    return any(f"creativecommons.org/{name}" in licence for name in OPEN)


def summary(session: Session, key: str, number: int) -> dict[str, Any]:
    """Counts of images by licence, the strictest licence, and of holders and creators the most frequent.

    What states nothing is a licence of its own, with an empty address, and is stricter than any that is stated.
    """
    licences: Counter[tuple[str, str]] = Counter()
    people: dict[str, Counter[str]] = {"holders": Counter(), "creators": Counter()}
    for licence, said, holder, creator, images in store.rights_counts(session, key, number):
        licences[licence, "" if licence else said] += images
        for names, name in (("holders", holder), ("creators", creator)):
            if name:
                people[names][name] += images
    ordered = sorted(licences.items(), key=lambda one: (-one[1], one[0]))
    strictest = max(licences, key=lambda one: (rights.strictness(one[0] or one[1]), one), default=("", ""))
    return {
        "licences": [{"licence": licence, "said": said, "images": images} for (licence, said), images in ordered[:SHOWN]],
        "licencesInAll": len(licences),
        "strictest": {"licence": strictest[0], "said": strictest[1]},
        **{names: [{"name": name, "images": images} for name, images in _first(counted)] for names, counted in people.items()},
        "holdersInAll": len(people["holders"]),
        "creatorsInAll": len(people["creators"]),
        "annotators": [
            {"name": name, "annotations": several} for name, several in _first(Counter(store.author_counts(session, key, number)))
        ],
    }


def _first(counted: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counted.items(), key=lambda one: (-one[1], one[0]))[:SHOWN]
