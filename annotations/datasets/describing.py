"""What documents say of a version: where it is, what it is called, by whom, under which licences. All of it stood when it was
frozen, so that each document made again is the same, byte by byte."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from annotations.datasets.model import Version
from app.runtime import ids
from app.runtime.addresses import Addresses

SHOWN_CREATORS = 10  # that a citation names


@dataclass(frozen=True, slots=True)
class Described:
    """A version with the addresses of its hub."""

    version: Version
    addresses: Addresses

    @property
    def told(self) -> Mapping[str, Any]:
        return self.version.told

    @property
    def summary(self) -> Mapping[str, Any]:
        return self.version.summary

    @property
    def pid(self) -> str:
        """The persistent identifier of the version, as an address."""
        return self.addresses.pid(self.version.name)

    @property
    def concept(self) -> str:
        """That of the dataset, whatever version."""
        return self.addresses.pid(self.version.key)

    @property
    def page(self) -> str:
        return self.addresses.dataset_page(self.version.name)

    @property
    def cited(self) -> str:
        """What a citation links to: the DOI, where one was minted."""
        return f"https://doi.org/{self.version.doi}" if self.version.doi else self.pid

    @property
    def title(self) -> str:
        return str(self.told["title"])

    @property
    def description(self) -> str:
        """What its makers say, or what it holds."""
        return str(self.told["description"]) or self.contents

    @property
    def contents(self) -> str:
        """A sentence of what it holds."""
        counted = self.summary
        asked = self.told["selection"]["q"]
        what = f"{counted['images']:,} images of {counted['specimens']:,} specimens with {counted['annotations']:,} annotations"
        return f"{what}{f', found by the question “{asked}”' if asked else ''}."

    @property
    def day(self) -> str:
        """`2026-11-26`."""
        return self.version.frozen_at.date().isoformat() if self.version.frozen_at else ""

    @property
    def year(self) -> int:
        return self.version.frozen_at.year if self.version.frozen_at else 0

    @property
    def publisher(self) -> str:
        return str(self.told["publisher"]["name"])

    @property
    def creators(self) -> list[dict[str, str]]:
        """`name` and `orcid`; without any, who publishes it."""
        return list(self.told["creators"]) or [{"name": self.publisher, "orcid": ""}]

    @property
    def has_people(self) -> bool:
        return bool(self.told["creators"])

    @property
    def content_id(self) -> str:
        return ids.ni(self.version.content_id)

    @property
    def licence(self) -> str:
        """That of the compilation."""
        return https(str(self.told["licence"]))

    @property
    def picture_licences(self) -> list[str]:
        """Addresses of the licences of pictures, the most frequent first."""
        return list(dict.fromkeys(https(one["licence"]) for one in self.summary["licences"] if one["licence"]))

    @property
    def unstated(self) -> int:
        """How many pictures state no licence that has an address."""
        return sum(one["images"] for one in self.summary["licences"] if not one["licence"])

    def below(self, name: str) -> str:
        """The address of a document of the version."""
        return f"{self.page}/{name}"


def https(iri: str) -> str:
    """Licences are at https; IIIF and old records write http."""
    return f"https://{iri[7:]}" if iri.startswith(("http://creativecommons.org/", "http://rightsstatements.org/")) else iri
