"""What clients prefer of the container: included, omitted, or neither (RFC 7240; LDP, 7.2; Web Annotation Protocol, 4.2.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.container import Embedding, preference

MINIMAL, CONTAINMENT, MEMBERSHIP, EMPTY = (
    f"http://www.w3.org/ns/ldp#Prefer{name}" for name in ("MinimalContainer", "Containment", "Membership", "EmptyContainer")
)
IRIS, DESCRIPTIONS = (f"http://www.w3.org/ns/oa#PreferContained{name}" for name in ("IRIs", "Descriptions"))


@pytest.mark.parametrize(
    ("header", "embedded", "of_iris"),
    [
        (f'return=representation;include="{MINIMAL}"', "none", False),
        (f'return=representation;include="{IRIS}"', "iris", True),
        (f'return=representation;include="{DESCRIPTIONS}"', "descriptions", False),
        (f'return=representation;include="{MINIMAL} {IRIS}"', "none", True),
        (f'return=representation;include="{EMPTY}"', "none", False),
        (f'return=representation;include="{CONTAINMENT}"', "iris", True),
        (f'return=representation; include="{IRIS} {DESCRIPTIONS}"', "iris", True),
        (f'return=representation; include="{IRIS} {DESCRIPTIONS}"; omit="{IRIS}"', "descriptions", False),
        (f'return=representation; omit="{CONTAINMENT}"', "none", False),
        (f'return=representation; omit="{CONTAINMENT} {MEMBERSHIP}"', "none", False),
        (f'return=representation; omit="{CONTAINMENT}"; include="{DESCRIPTIONS}"', "none", False),
        (f'return=representation; include="{IRIS}"; omit="{MEMBERSHIP}"', "iris", True),
        (f'return=representation; omit="{DESCRIPTIONS}"', "none", True),
        (f'respond-async, RETURN = "representation" ; INCLUDE={IRIS} , wait=3', "iris", True),
    ],
)
def test_what_a_client_includes_and_omits(header: str, embedded: str, of_iris: bool) -> None:
    found = preference(header)
    assert (found.embedded, found.of_iris, found.is_preferred) == (embedded, of_iris, True)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "return=minimal",
        "wait=9",
        f'handling=lenient; include="{IRIS}"',
        f'return=minimal; include="{IRIS}"',
        'return="',
        'return=representation; include="urn:x"',
        f'return=representation; omit="{MEMBERSHIP}"',
    ],
)
def test_other_preferences_change_nothing(header: str) -> None:
    assert preference(header) == Embedding()


@given(st.text(alphabet='return=psio;,"\\ inclomt#', max_size=60))
def test_any_header_is_read(header: str) -> None:
    preference(header)
