"""Rights: the many spellings of a licence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iiif.catalogue.rights import iri_of, of_terms, read

BY_4 = "http://creativecommons.org/licenses/by/4.0/"


@pytest.mark.parametrize(
    "text",
    [
        BY_4,
        "https://creativecommons.org/licenses/by/4.0/legalcode",
        "creativecommons.org/licenses/by/4.0/deed.en",
        "CC BY 4.0",
        "cc-by-4.0",
        "CC_BY_4_0",
        "CC BY 4.0 (images)",
        "Creative Commons Attribution 4.0 International",
        "This work is licensed under a Creative Commons Attribution (CC-BY) 4.0 License.",
    ],
)
def test_one_licence_has_many_spellings(text: str) -> None:
    assert iri_of(text) == BY_4


@pytest.mark.parametrize(
    ("text", "iri"),
    [
        ("CC0", "http://creativecommons.org/publicdomain/zero/1.0/"),
        ("CC0_1_0", "http://creativecommons.org/publicdomain/zero/1.0/"),
        ("Creative Commons Zero v1.0 Universal", "http://creativecommons.org/publicdomain/zero/1.0/"),
        ("Public Domain Mark 1.0", "http://creativecommons.org/publicdomain/mark/1.0/"),
        ("CC BY-NC-SA 4.0", "http://creativecommons.org/licenses/by-nc-sa/4.0/"),
        (
            "The publisher has waived all rights to these data and has dedicated them to the Public Domain (CC0 1.0). Users may "
            "copy, modify, distribute and use the work, including for commercial purposes, without restriction.",
            "http://creativecommons.org/publicdomain/zero/1.0/",
        ),
        ("CC BY-NC 4.0, for non-commercial use only", "http://creativecommons.org/licenses/by-nc/4.0/"),
        ("https://creativecommons.org/licenses/by/3.0/nl/", "http://creativecommons.org/licenses/by/3.0/nl/"),
        ("https://rightsstatements.org/page/inc-edu/1.0/?language=en", "http://rightsstatements.org/vocab/InC-EDU/1.0/"),
    ],
)
def test_these_name_a_licence(text: str, iri: str) -> None:
    assert iri_of(text) == iri


@pytest.mark.parametrize(
    "text",
    [
        "",
        "MIT",
        "© The Museum",
        "CC BY",
        "CC BY 9.9",
        "MIT (repo); images CC BY-NC 4.0",
        "CC BY 4.0 or CC0",
        "CC BY(-SA) 4.0",
        "https://creativecommons.org/licenses/mine/4.0/",
        "all rights reserved",
        "not CC BY 4.0",
        "This image is not licensed under CC BY 4.0",
        "Not https://creativecommons.org/licenses/by/4.0/",
        "no CC0",
        "CC0 does not apply",
        "© The Museum, all rights reserved; CC BY 4.0",
    ],
)
def test_nothing_is_made_up(text: str) -> None:
    assert iri_of(text) == ""


@given(st.text(max_size=60))
def test_any_text_leads_to_an_address_that_leads_to_itself_or_to_none(text: str) -> None:
    iri = iri_of(text)
    assert iri == "" or iri_of(iri) == iri


@given(st.sampled_from(["by", "by-sa", "by-nc", "by-nd", "by-nc-sa", "by-nc-nd"]), st.sampled_from(["2.0", "2.5", "3.0", "4.0"]))
def test_every_creative_commons_licence_is_known(code: str, version: str) -> None:
    iri = f"http://creativecommons.org/licenses/{code}/{version}/"
    spelt = [f"CC {code.upper()} {version}", f"CC_{code.upper()}_{version}".replace("-", "_").replace(".", "_")]
    assert {iri_of(text) for text in (iri, iri.replace("http:", "https:"), *spelt)} == {iri}


def test_the_term_that_names_a_licence_goes_before_one_that_does_not() -> None:
    assert of_terms({"license": "see below", "rights": "CC BY 4.0"}) == "CC BY 4.0"
    assert of_terms({"license": "see below", "rightsHolder": "The Museum"}) == "see below"
    assert of_terms({}) == ""


CC0 = "http://creativecommons.org/publicdomain/zero/1.0/legalcode"


def test_what_a_licence_itself_denies_is_no_negation() -> None:
    assert iri_of("CC0 (no rights reserved)") == "http://creativecommons.org/publicdomain/zero/1.0/"
    assert iri_of("Creative Commons Attribution-NonCommercial-NoDerivatives 4.0").endswith("/by-nc-nd/4.0/")


def test_the_terms_of_audiovisual_core_are_rights_of_an_image() -> None:
    address = "https://creativecommons.org/licenses/by-nc/4.0/"
    reading = read({"UsageTerms": "CC BY-NC 4.0", "WebStatement": address, "Owner": "M"})
    assert iri_of(reading.statement) == "http://creativecommons.org/licenses/by-nc/4.0/"
    assert (reading.holder, reading.problem) == ("M", "")
    assert read({"xmpRights:UsageTerms": "All rights reserved"}).statement == "All rights reserved"
    assert read({"copyrightNotice": "ask us"}).statement == "ask us"


@pytest.mark.parametrize(
    ("columns", "statement", "gave_way"),
    [
        ({"license": CC0, "UsageTerms": "All rights reserved"}, "All rights reserved", "license"),
        ({"license": "CC BY 4.0", "rights": "CC BY-NC-ND 4.0"}, "CC BY-NC-ND 4.0", "license"),
        ({"license": "CC BY 4.0", "accessRights": "not-for-public-usage"}, "not-for-public-usage", "license"),
        ({"license": CC0, "rights": "free for non-commercial use"}, "free for non-commercial use", "license"),
        ({"license": "not CC0"}, "not CC0", "license"),
        ({"license": "CC0 except the images"}, "CC0 except the images", "license"),
        ({"license": "CC BY 4.0, nur Metadaten"}, "CC BY 4.0, nur Metadaten", "license"),
        ({"license": "CC BY 4.0 ab 2030"}, "CC BY 4.0 ab 2030", "license"),
        ({"license": "CC BY 4.0?"}, "CC BY 4.0?", "license"),
        ({"license": "CC BY 4.0 (tbc)"}, "CC BY 4.0 (tbc)", "license"),
        ({"license": "CC BY 4.0 excl. images"}, "CC BY 4.0 excl. images", "license"),
        ({"license": "CC BY 4.0, apart from images"}, "CC BY 4.0, apart from images", "license"),
        ({"license": "CC0 for the data"}, "CC0 for the data", "license"),
        ({"license": "CC BY 4.0 hors images"}, "CC BY 4.0 hors images", "license"),
        ({"license": "CC BY 4.0, tranne le immagini"}, "CC BY 4.0, tranne le immagini", "license"),
        ({"license": "CC BY 4.0, behalve afbeeldingen"}, "CC BY 4.0, behalve afbeeldingen", "license"),
        ({"license": "CC BY 4.0, sin imágenes"}, "CC BY 4.0, sin imágenes", "license"),
        ({"license": f"{CC0} until 2024"}, f"{CC0} until 2024", "license"),
        ({"license": "CC BY 4.0", "rights": "Alle Rechte vorbehalten"}, "Alle Rechte vorbehalten", "license"),
        ({"license": "CC BY 4.0", "rights": "Todos los derechos reservados."}, "Todos los derechos reservados.", "license"),
        ({"license": CC0, "rights": "Tous droits réservés"}, "Tous droits réservés", "license"),
        ({"license": CC0, "rights": "Usage non commercial"}, "Usage non commercial", "license"),
        ({"license": CC0, "rights": "禁止; 版权所有"}, "禁止; 版权所有", "license"),
        ({"license": "CC BY 4.0", "accessRights": "embargoed until 2030"}, "embargoed until 2030", "license"),
    ],
)
def test_where_statements_contradict_the_stricter_one_stands_and_is_named(
    columns: dict[str, str], statement: str, gave_way: str
) -> None:
    reading = read(columns)
    assert (reading.statement, reading.column) == (statement, gave_way)
    assert reading.problem


@pytest.mark.parametrize(
    "columns",
    [
        {"license": "CC BY 4.0", "rights": "© The Trustees of the Museum", "rightsHolder": "The Museum"},
        {"license": CC0, "rights": "Public Domain"},
        {"license": "CC BY 4.0", "UsageTerms": "Creative Commons Attribution"},
        {"license": "CC BY 4.0", "rights": "held under the specified Creative Commons license, by the contributor"},
    ],
)
def test_statements_that_agree_are_no_contradiction(columns: dict[str, str]) -> None:
    assert (read(columns).problem, iri_of(read(columns).statement)) == ("", iri_of(columns["license"]))


@given(st.dictionaries(st.sampled_from(["license", "rights", "UsageTerms", "accessRights", "copyright"]), st.text(max_size=40)))
def test_any_rights_are_read(columns: dict[str, str]) -> None:
    assert read(columns).statement in {"", *(text.strip() for text in columns.values())}
