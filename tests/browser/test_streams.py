"""Inputs without a script on a phone, ending a session by keyboard, and a key that is shown once."""

import re

from playwright.sync_api import expect

from accounts.models import Account
from resources.models import Input, Resource, StreamSession
from resources.services.resources import create_stream, create_streamer
from resources.services.stream_sessions import open_session
from tests.browser.axe import complaints
from tests.browser.conftest import Browse
from tests.conftest import Make


def stream(make: Make) -> Resource:
    actor = make.actor()
    return create_stream("or3", streamer=create_streamer("origin1.example.com", actor=actor), actor=actor)


def test_inputs_are_added_and_ordered_without_a_script(browse: Browse, make: Make, ed: Account) -> None:
    made = stream(make)
    page = browse(ed, java_script_enabled=False, viewport={"width": 320, "height": 700})
    page.goto(f"/streams/{made.pk}/inputs/")
    for kind, fields in (("File", {"File": "pause.mp4"}), ("SRT", {"Host": "cam.example.com", "Port": "9000"})):
        page.get_by_role("link", name="Add Input").click()
        page.get_by_role("link", name=kind, exact=True).click()
        for label, value in fields.items():
            page.get_by_role("textbox", name=label).or_(page.get_by_role("spinbutton", name=label)).fill(value)
        page.get_by_role("button", name="Add").click()
    page.get_by_role("button", name="Move SRT cam.example.com:9000 up").click()
    assert [one.kind for one in Input.objects.of_stream(made.pk)] == ["srt", "file"]
    page.get_by_role("link", name="Remove File pause.mp4").click()
    page.get_by_role("button", name="Remove").click()
    assert [one.kind for one in Input.objects.of_stream(made.pk)] == ["srt"]


def test_a_wrong_field_is_named_and_keeps_what_was_typed(browse: Browse, make: Make, ed: Account) -> None:
    made = stream(make)
    page = browse(ed)
    page.goto(f"/streams/{made.pk}/inputs/new/?kind=multicast")
    page.get_by_label("Group address").fill("10.0.0.1")
    page.get_by_label("Port").fill("5000")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_label("Group address")).to_be_focused()
    expect(page.get_by_label("Port")).to_have_value("5000")
    expect(page.get_by_text("Type a multicast address")).to_be_visible()
    assert complaints(page) == []


def test_a_session_is_ended_by_keyboard(browse: Browse, make: Make, ed: Account) -> None:
    made, _new = open_session(stream(make), name="v-1", address="192.0.2.9", actor=make.actor())
    page = browse(ed)
    page.goto("/stream-sessions/?state=open")
    page.get_by_role("link", name=f"End {made}").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    assert complaints(page) == []
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("The streamer is told to end")
    expect(page).to_have_url(re.compile(r"/stream-sessions/\?state=open$"))
    assert StreamSession.objects.get().is_ending
    expect(page.locator(f"#resource-{made.pk}")).to_contain_text("Ending")


def test_a_key_is_made_in_a_dialog_and_shown_once(browse: Browse, make: Make, ed: Account) -> None:
    made = stream(make).parent
    assert made is not None
    page = browse(ed)
    page.goto(f"/streamers/{made.pk}/")
    page.locator("#credentials").get_by_role("link", name="Set").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Make key").click()
    expect(page.locator("#secret")).to_contain_text(re.compile(r"^agora_streamer_\w{40}$"))
    expect(page.locator("#line")).to_contain_text("/api/v1/streamer/configuration")
    assert complaints(page) == []
    page.get_by_role("link", name="Done").click()
    expect(page.locator("#credentials")).to_contain_text(re.compile(r"agora_streamer_\w{6}…"))
    page.locator("#credentials").get_by_role("link", name="Set").click()
    page.get_by_role("dialog").get_by_label("Edit credential").fill("user:s3cret")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.locator("#toasts")).to_contain_text("Saved.")
    assert "s3cret" not in page.content()
