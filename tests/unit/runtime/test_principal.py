"""Who may do what: the table of roles, and the collections over which they hold."""

from dataclasses import dataclass

import pytest

from app.runtime.errors import Forbidden, Invalid, NotAllowed
from app.runtime.principal import LEAST, NOBODY, ROLES, Action, Grant, Principal, Role, may, require

TABLE: dict[Role, set[Action]] = {
    "reader": {"see"},
    "annotator": {"see", "annotate", "revise"},
    "reviewer": {"see", "annotate", "revise", "judge"},
    "curator": {"see", "annotate", "revise", "judge", "curate"},
    "administrator": {"see", "annotate", "revise", "judge", "curate", "administer"},
}


@dataclass(frozen=True)
class Sheet:
    institution_code: str
    collection_code: str


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("action", LEAST)
def test_a_role_allows_what_it_and_those_before_it_allow(role: Role, action: Action) -> None:
    assert may(Principal("ann", (Grant(role),)), action) is (action in TABLE[role])


@pytest.mark.parametrize("action", LEAST)
def test_nobody_may_do_nothing(action: Action) -> None:
    assert not may(NOBODY, action)
    with pytest.raises(NotAllowed):
        require(NOBODY, action, Sheet("BR", "HERB"))


@pytest.mark.parametrize(
    ("named", "sheet", "covered"),
    [
        ("all", Sheet("", ""), True),
        ("BR", Sheet("BR", ""), True),
        ("BR", Sheet("BR", "HERB"), True),
        ("BR", Sheet("BRU", "HERB"), False),
        ("BR", Sheet("", ""), False),
        ("BR/HERB", Sheet("BR", "HERB"), True),
        ("BR/HERB", Sheet("BR", "SEEDS"), False),
        ("A%2FB", Sheet("A/B", "C"), True),
        ("A", Sheet("A/B", "C"), False),
        ("BR", None, False),
        ("all", None, True),
    ],
)
def test_a_role_holds_over_its_collection_alone(named: str, sheet: Sheet | None, covered: bool) -> None:
    ann = Principal("ann", (Grant.parse("reader", named),))
    assert may(ann, "see", sheet) is covered
    if not covered:
        with pytest.raises(Forbidden):
            require(ann, "see", sheet)


@pytest.mark.parametrize("name", ["", "/", "BR/", "/HERB", "BR/HERB/1", "x" * 300])
def test_a_collection_that_cannot_be_meant_is_refused(name: str) -> None:
    with pytest.raises(Invalid):
        Grant.parse("reader", name)


def test_roles_in_two_collections_are_not_mixed() -> None:
    ann = Principal("ann", (Grant("curator", "BR"), Grant("reader", "P")))
    assert may(ann, "curate", Sheet("BR", ""))
    assert may(ann, "see", Sheet("P", ""))
    assert not may(ann, "annotate", Sheet("P", ""))
