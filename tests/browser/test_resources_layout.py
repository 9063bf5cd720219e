"""Long names without a space make no page of resources wider than the screen, and lists keep their columns."""

import pytest
from playwright.sync_api import expect

from accounts.models import Account
from resources.models import Resource
from resources.roles import ResourceRole
from resources.services.resources import create_stream, create_streamer
from tests.browser.conftest import Browse
from tests.conftest import Make
from tests.resources.conftest import Machine, give, recording

CENTRES = """[...document.querySelectorAll("tbody tr:first-child .acts > *")].map((button) => {
    const box = button.getBoundingClientRect();
    return box.top + box.height / 2;
})"""


@pytest.mark.parametrize("width", [390, 1280])
def test_long_names_fit(width: int, browse: Browse, make: Make, ada: Account) -> None:
    who = make.account("l" * 150, role="viewer")
    streamer = create_streamer("w" * 60 + "." + "x" * 60 + ".example.com", actor=make.actor())
    stream = create_stream("l" * 100, streamer=streamer, title="W" * 200, actor=make.actor())
    give(who, stream, ResourceRole.VIEWER)
    recording(make, stream)
    page = browse(ada, viewport={"width": width, "height": 800})
    for address in (
        "/streamers/", f"/streamers/{streamer.pk}/", f"/streamers/{streamer.pk}/delete/", "/streams/", "/recordings/",
        f"/streams/{stream.pk}/", f"/resources/{stream.pk}/permissions/",
        f"/resources/{stream.pk}/why/?account={who.username}&action=view",
        f"/accounts/{who.pk}/resources/?resource={stream.pk}&action=edit",
    ):  # fmt: skip
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address


def test_lists_on_a_small_laptop(browse: Browse, make: Make, ada: Account) -> None:
    streamer = create_streamer("origin1.example.com", actor=make.actor())
    stream = create_stream("studio-2", streamer=streamer, title="Studio 2, rehearsal", actor=make.actor())
    recording(make, stream)
    Machine(streamer, make.actor()).open()
    assert Resource.objects.count() == 4
    page = browse(ada, viewport={"width": 1280, "height": 800})
    for address in ("/streamers/", "/streams/", "/stream-sessions/", "/recordings/"):
        page.goto(address)
        expect(page.get_by_role("columnheader", name="Shared with")).to_be_visible()
        centres = page.evaluate(CENTRES)
        assert len(centres) > 1 and max(centres) - min(centres) < 1.5, (address, centres)
