"""Which findings stand together on the page of a specimen: sizes with the outline that they were measured on."""

import pytest

from analytics.steps.model import Finding
from annotations import service as annotations
from annotations.model import Annotation
from annotations.regions import Region
from app.runtime.context import Runtime
from app.runtime.principal import NOBODY
from app.web.specimens import segment_groups
from tests.sheets import Hub, add_sheet, make_hub
from tests.unit.app.test_pages import say


@pytest.fixture
def hub(runtime: Runtime) -> Hub:
    return make_hub(runtime)


def test_a_size_stands_with_the_outline_that_it_rests_on_and_else_with_the_smallest_that_holds_it(hub: Hub) -> None:
    _, (media,) = add_sheet(hub.runtime, sizes=((1000, 1500),))

    def found() -> dict[str, Annotation]:
        with hub.runtime.reads.begin() as session:
            return {one.text: one for one in annotations.of_specimen(session, media.specimen_key, by=NOBODY)}

    say(
        hub,
        media,
        "specimen",
        Finding("outline", "large", Region.of_box(0, 0, 900, 900)),
        Finding("outline", "small", Region.of_box(400, 400, 500, 500)),
    )
    large = hub.addresses.annotation(found()["large"].key)
    sizes = [
        Finding("aspect", "aspect", Region.of_box(300, 300, 600, 600), value=2.0, rests_on=(large,)),
        Finding("solidity", "solidity", Region.of_box(440, 440, 460, 460), value=0.5, rests_on=(large,)),
        Finding("length", "length", Region.of_box(440, 440, 460, 460), value=9.0, unit="px"),
    ]
    say(hub, media, "traits", *sizes)
    told = found()
    home = segment_groups.homes(list(told.values()))
    assert {text: home[told[text].key].text for text in ("aspect", "solidity", "length")} == {
        "aspect": "large",
        "solidity": "large",
        "length": "small",
    }
    listed = segment_groups.in_order(sorted(told.values(), key=lambda one: one.text), home)
    first = [one.text for one, heading in listed if heading]
    assert set(first) == {"large", "small"}
    assert [one.text for one, _ in listed].index("aspect") - [one.text for one, _ in listed].index("large") in (1, 2)
