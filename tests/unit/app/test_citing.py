"""A citation of a specimen is right in every form, whatever its names are, and invents nothing."""

import json
import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.runtime.references import plain
from app.web.specimens import citing
from app.web.specimens.citing import Source

MEISE = Source(
    key="s1abc",
    iri="https://hub.example.org/ark:99999/s1abc",
    holder="Meise Botanic Garden",
    publisher="Lectotype",
    name="Carex nigra (L.) Reichard",
    number="BR 0001",
    collector="F. Crépin & J. Müller",
    collected="1887-06-12",
    version=3,
    day=date(2026, 11, 5),
    licence="CC BY 4.0",
    licence_iri="http://creativecommons.org/licenses/by/4.0/",
)
BARE = replace(MEISE, name="", number="", collector="", collected="", licence="", licence_iri="")


def test_the_text_names_holder_number_version_date_licence_and_identifier() -> None:
    assert MEISE.text == (
        "Meise Botanic Garden, Carex nigra (L.) Reichard, catalogue number BR 0001, leg. F. Crépin & J. Müller, 1887-06-12. "
        "Version 3 of 5 November 2026, CC BY 4.0. https://hub.example.org/ark:99999/s1abc"
    )


def test_what_is_not_known_is_left_out() -> None:
    assert BARE.text == "Meise Botanic Garden, s1abc. Version 3 of 5 November 2026. https://hub.example.org/ark:99999/s1abc"
    for form in citing.FORMS:
        written = citing.written(BARE, form)
        for word in ("Collected", "Licence", "leg.", "copyright", "None", "note", "N1"):
            assert word not in written, form


def test_bibtex_escapes_what_tex_takes_for_its_own() -> None:
    odd = replace(MEISE, name="Carex_nigra {x} 100% #1 $a\\b ~^", collector="Müller & Söhne")
    written = citing.bibtex(odd)
    assert r"Carex\_nigra \{x\} 100\% \#1 \$a\textbackslash{}b \textasciitilde{}\textasciicircum{}" in written
    assert r"Müller \& Söhne" in written
    assert "author = {{Meise Botanic Garden}}" in written
    assert "url = {https://hub.example.org/ark:99999/s1abc}" in written


ODD = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=60)


@given(ODD, ODD, ODD)
def test_no_name_breaks_out_of_its_field(name: str, number: str, collector: str) -> None:
    told = {"name": plain(name), "number": plain(number), "collector": plain(collector)}
    of = replace(MEISE, **told)
    bare = re.sub(r"\\(?:text\w+\{\}|.)", "", citing.bibtex(of))
    assert bare.count("{") == bare.count("}")
    assert [line for line in bare.splitlines() if line.startswith("@")] == ["@misc{s1abc,"]
    lines = citing.ris(of).split("\r\n")
    assert all(re.match(r"[A-Z][A-Z0-9]  - ", line) for line in lines[:-1])
    assert (lines[0], lines[-2]) == ("TY  - DATA", "ER  - ")
    (item,) = json.loads(citing.csl(of))
    assert item["title"] == of.title
    assert item["author"] == [{"literal": "Meise Botanic Garden"}]


def test_csl_has_dates_as_numbers() -> None:
    item: dict[str, Any] = json.loads(citing.csl(MEISE))[0]
    assert item["issued"] == {"date-parts": [[2026, 11, 5]]}
    assert (item["type"], item["URL"], item["version"]) == ("dataset", MEISE.iri, "3")


@pytest.mark.parametrize("text", ["a\nER  - \nTY  - JOUR", "a\u2028b", "a\x00b", "a\u202eb"])
def test_a_name_stays_in_one_line(text: str) -> None:
    assert len(plain(text).splitlines()) == 1
