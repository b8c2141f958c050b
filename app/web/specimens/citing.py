"""How a specimen is cited: in words, and as BibTeX, RIS and CSL-JSON. What is not known is left out, nobody is made an author.

RIS: the tags of Research Information Systems (2001 and 2011). CSL-JSON: schema 1.0.2 of csl-data.json.
"""

import json
import re
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

from app.runtime.references import latex, plain
from iiif.catalogue.model import Specimen
from iiif.catalogue.rights import iri_of, of_terms

Form = Literal["bib", "ris", "json"]
FORMS: tuple[Form, ...] = get_args(Form)
MEDIA_TYPES: dict[Form, str] = {
    "bib": "application/x-bibtex; charset=utf-8",
    "ris": "application/x-research-info-systems; charset=utf-8",
    "json": "application/vnd.citationstyles.csl+json",
}
TITLES: dict[Form, str] = {"bib": "BibTeX", "ris": "RIS", "json": "CSL-JSON"}


@dataclass(frozen=True, slots=True)
class Source:
    """What can be said of it. `holder` is the institution that its record names, or who publishes this hub; `day` is when this
    version of the record came about; `licence` that of the record, empty where it states none."""

    key: str
    iri: str
    holder: str
    publisher: str
    name: str
    number: str
    collector: str
    collected: str
    version: int
    day: date
    licence: str
    licence_iri: str

    @property
    def title(self) -> str:
        """Name and number; the identifier where neither is known."""
        number = f"catalogue number {self.number}" if self.number else ""
        return ", ".join(part for part in (self.name, number) if part) or self.key

    @property
    def text(self) -> str:
        """For a list of references."""
        leg = f"leg. {self.collector}" if self.collector else ""
        said = ", ".join(part for part in (self.holder, self.title, leg, self.collected) if part)
        licence = f", {self.licence}" if self.licence else ""
        return f"{said}. Version {self.version} of {self.day.day} {self.day:%B %Y}{licence}. {self.iri}"

    @property
    def note(self) -> str:
        """What the forms have no field for."""
        said = (
            f"Collected by {self.collector}" if self.collector else "",
            f"Collected {self.collected}" if self.collected else "",
            f"Licence: {self.licence}" if self.licence else "",
        )
        return ". ".join(part for part in said if part)


def source(specimen: Specimen, provider: str, iri: str, day: date) -> Source:
    """`specimen` as who asks sees it; `iri` its persistent identifier, `day` when this version of its record came about."""
    terms = {term: plain(value) for term, value in specimen.interpreted.items()}
    licence = plain(of_terms(specimen.interpreted))
    return Source(
        key=specimen.key,
        iri=iri,
        holder=terms.get("institutionCode") or plain(provider),
        publisher=plain(provider),
        name=terms.get("scientificName", ""),
        number=plain(specimen.catalog_number),
        collector=terms.get("recordedBy", ""),
        collected=terms.get("eventDate", ""),
        version=specimen.record_version,
        day=day,
        licence=licence,
        licence_iri=iri_of(licence),
    )


def written(of: Source, form: Form) -> str:
    match form:
        case "bib":
            return bibtex(of)
        case "ris":
            return ris(of)
        case "json":
            return csl(of)


def bibtex(of: Source) -> str:
    """`@misc`, which every style knows. Names of institutions stand in braces of their own, so that no part is a first name."""
    fields = {
        "author": f"{{{latex(of.holder)}}}",
        "title": f"{{{latex(of.title)}}}",
        "publisher": latex(of.publisher),
        "year": str(of.day.year),
        "month": str(of.day.month),
        "version": str(of.version),
        "url": re.sub(r"[{}\\%\s]", "", of.iri),
        "note": latex(of.note),
        "copyright": of.licence_iri,
    }
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items() if value)
    return f"@misc{{{re.sub(r'[^A-Za-z0-9]', '', of.key)},\n{lines}\n}}\n"


def ris(of: Source) -> str:
    """A data set by the institution; a comma in its name would make part of it a first name, and is left out."""
    lines = [
        ("TY", "DATA"),
        ("ID", of.key),
        ("AU", of.holder.replace(",", " ")),
        ("TI", of.title),
        ("PB", of.publisher),
        ("PY", str(of.day.year)),
        ("DA", f"{of.day:%Y/%m/%d}"),
        ("ET", str(of.version)),
        ("UR", of.iri),
        ("N1", of.note),
    ]
    return "".join(f"{tag}  - {plain(value)}\r\n" for tag, value in lines if value) + "ER  - \r\n"


def csl(of: Source) -> str:
    item = {
        "id": of.key,
        "type": "dataset",
        "title": of.title,
        "author": [{"literal": of.holder}],
        "publisher": of.publisher,
        "issued": {"date-parts": [[of.day.year, of.day.month, of.day.day]]},
        "version": str(of.version),
        "URL": of.iri,
        "note": of.note,
    }
    return json.dumps([{name: value for name, value in item.items() if value}], ensure_ascii=False, indent=1) + "\n"
