"""The page of the formats says what the tables of abilities say."""

from pathlib import Path

from annotations.exchange.ability_page import tables

PAGE = Path(__file__).resolve().parents[4] / "docs" / "exchange.md"


def test_the_page_holds_the_tables_of_abilities() -> None:
    """To renew it: `python -m tests.unit.annotations.exchange.test_exchange_docs`."""
    assert PAGE.read_text(encoding="utf-8") == with_tables(PAGE.read_text(encoding="utf-8"))


def with_tables(text: str) -> str:
    before, _, rest = text.partition("<!-- abilities -->\n")
    _, _, after = rest.partition("<!-- end -->")
    return f"{before}<!-- abilities -->\n{tables()}<!-- end -->{after}"


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
