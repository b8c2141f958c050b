"""How a version is cited: in words, and as BibTeX, RIS and CSL-JSON."""

import json
import re
from typing import Any, Literal, get_args

from annotations.datasets.describing import SHOWN_CREATORS, Described
from app.runtime.references import latex, plain

Form = Literal["txt", "bib", "ris", "json"]
FORMS: tuple[Form, ...] = get_args(Form)
MEDIA_TYPES: dict[Form, str] = {
    "txt": "text/plain; charset=utf-8",
    "bib": "application/x-bibtex; charset=utf-8",
    "ris": "application/x-research-info-systems; charset=utf-8",
    "json": "application/vnd.citationstyles.csl+json",
}
TITLES: dict[Form, str] = {"txt": "Text", "bib": "BibTeX", "ris": "RIS", "json": "CSL-JSON"}


def written(of: Described, form: Form) -> str:
    return {"txt": lambda one: text(one) + "\n", "bib": bibtex, "ris": ris, "json": csl}[form](of)


def text(of: Described) -> str:
    """`Creators (Year): Title. Version N. Publisher. Dataset. Address`; of many creators the first ten."""
    names = [plain(one["name"]) for one in of.creators]
    shown = "; ".join(names[:SHOWN_CREATORS])
    others = f"; and {len(names) - SHOWN_CREATORS} others" if len(names) > SHOWN_CREATORS else ""
    publisher = f" {plain(of.publisher)}." if of.publisher else ""
    return f"{shown}{others} ({of.year}): {plain(of.title)}. Version {of.version.number}.{publisher} Dataset. {of.cited}"


def bibtex(of: Described) -> str:
    """`@misc`, which every style knows. Names are given as they are written: no part of an institution's is a first name."""
    fields = {
        "author": " and ".join(f"{{{latex(plain(one['name']))}}}" for one in of.creators),
        "title": f"{{{latex(plain(of.title))}}}",
        "publisher": latex(plain(of.publisher)),
        "year": str(of.year),
        "version": str(of.version.number),
        "doi": of.version.doi,
        "url": re.sub(r"[{}\\%\s]", "", of.cited),
        "howpublished": "Dataset",
    }
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items() if value)
    return f"@misc{{{of.version.key}v{of.version.number},\n{lines}\n}}\n"


def ris(of: Described) -> str:
    """A comma in a name would make part of it a first name, and is left out where it is no person's."""
    lines = [("TY", "DATA"), ("ID", of.version.name)]
    lines += [("AU", one["name"] if of.has_people else one["name"].replace(",", " ")) for one in of.creators]
    lines += [
        ("TI", of.title),
        ("PB", of.publisher),
        ("PY", str(of.year)),
        ("DA", of.day.replace("-", "/")),
        ("ET", str(of.version.number)),
        ("DO", of.version.doi),
        ("UR", of.cited),
        ("AB", of.description),
    ]
    return "".join(f"{tag}  - {plain(value)}\r\n" for tag, value in lines if value) + "ER  - \r\n"


def csl(of: Described) -> str:
    """CSL-JSON, schema 1.0.2."""
    item: dict[str, Any] = {
        "id": of.version.name,
        "type": "dataset",
        "title": of.title,
        "author": [{"literal": one["name"]} for one in of.creators],
        "publisher": of.publisher,
        "issued": {"date-parts": [[int(part) for part in of.day.split("-")]]},
        "version": str(of.version.number),
        "DOI": of.version.doi,
        "URL": of.cited,
        "abstract": of.description,
    }
    return json.dumps([{name: value for name, value in item.items() if value}], ensure_ascii=False, indent=1) + "\n"
