"""Who tries to change what they may only see is refused, and the try stands in the audit log and in the history."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from audit.models import Entry
from resources.models import Grant, Input, Resource
from resources.roles import ResourceRole
from resources.services.devices import create_device
from resources.services.ends import add_end
from tests.conftest import Make
from tests.resources.conftest import Machine, give, recording

Ids = dict[str, int]
TRIES: dict[str, Callable[[Client, Ids], Any]] = {
    "edits a card": lambda c, ids: c.post(f"/streams/{ids['stream']}/", {"name": "x"}),
    "deletes": lambda c, ids: c.post(f"/streams/{ids['stream']}/delete/"),
    "deletes a recording": lambda c, ids: c.post(f"/recordings/{ids['recording']}/delete/", {"title": "Grand rounds"}),
    "ends a session": lambda c, ids: c.post(f"/stream-sessions/{ids['session']}/end/"),
    "makes itself Administrator": lambda c, ids: c.post(
        f"/resources/{ids['stream']}/permissions/", {"save": "1", "version": "1"}
    ),
    "makes a key": lambda c, ids: c.post(f"/streamers/{ids['streamer']}/key/"),
    "sets the credential": lambda c, ids: c.post(f"/streamers/{ids['streamer']}/credential/", {"credential": "a:b"}),
    "adds a device": lambda c, ids: c.post(f"/streamers/{ids['streamer']}/devices/new/", {"name": "x"}),
    "edits a device": lambda c, ids: c.post(f"/devices/{ids['device']}/", {"name": "x"}),
    "deletes a device": lambda c, ids: c.post(f"/devices/{ids['device']}/delete/"),
    "adds an input": lambda c, ids: c.post(f"/streams/{ids['stream']}/inputs/new/?kind=file", {"path": "a"}),
    "edits an input": lambda c, ids: c.post(f"/streams/{ids['stream']}/inputs/{ids['input']}/", {"path": "b"}),
    "moves an input": lambda c, ids: c.post(f"/streams/{ids['stream']}/inputs/{ids['input']}/move/", {"up": "1"}),
    "patches": lambda c, ids: api(c, "PATCH", f"/streams/{ids['stream']}", {"title": "x"}),
    "patches nonsense": lambda c, ids: api(c, "PATCH", f"/streams/{ids['stream']}", {"name": "../x"}),
    "deletes by script": lambda c, ids: api(c, "DELETE", f"/streams/{ids['stream']}"),
    "ends a session by script": lambda c, ids: api(c, "POST", f"/stream-sessions/{ids['session']}/end"),
    "takes all grants": lambda c, ids: api(c, "PUT", f"/resources/{ids['stream']}/grants", {"items": []}),
    "grants by script": lambda c, ids: api(
        c, "PATCH", f"/resources/{ids['stream']}/grants", {"items": [{"account": "vic", "role": "administrator"}]}
    ),
}


def api(client: Client, method: str, address: str, body: object = None) -> Any:
    return client.generic(method, f"/api/v1{address}", json.dumps(body or {}), content_type="application/json")


@pytest.fixture
def ids(
    make: Make, root: Account, origin: Resource, studio: Resource, machine: Machine, tmp_path: Path, settings: Any
) -> Ids:
    """One of everything that a Viewer sees."""
    settings.DATA_DIR = tmp_path
    device = {"name": "Camera", "hardware": "hdmi", "card_id": "1", "vendor": "", "raw": False}
    return {
        "streamer": origin.pk,
        "stream": studio.pk,
        "session": machine.open()["id"],
        "recording": recording(make, studio).pk,
        "device": create_device(origin, device, actor=make.actor(root)).pk,
        "input": add_end(studio, Input(kind="file"), {"path": "a.mp4"}, actor=make.actor(root)).pk,
    }


@pytest.mark.parametrize("what", TRIES)
def test_a_refused_try_is_recorded_once(what: str, make: Make, vic: Account, ids: Ids) -> None:
    before = Entry.objects.count()
    assert TRIES[what](make.client(vic), ids).status_code == 403
    entry = Entry.objects.latest("pk")
    assert Entry.objects.count() == before + 1
    assert (entry.outcome, entry.actor_name, bool(entry.details["reason"])) == ("denied", "vic", True)
    assert int(entry.target_id) in {ids["streamer"], ids["stream"], ids["session"], ids["recording"]}


def test_editors_read_it_in_the_history(make: Make, ed: Account, vic: Account, nell: Account, studio: Resource) -> None:
    give(nell, studio, ResourceRole.EDITOR)
    make.client(nell).post(f"/resources/{studio.pk}/permissions/", {"save": "1", "version": "1"})
    page = make.client(ed).get(f"/streams/{studio.pk}/history/").content.decode()
    assert "Access denied" in page and "nell" in page and "Ask somebody who is Administrator here." in page
    assert Grant.objects.get(account=nell).role == "editor"


def test_looks_are_not_recorded(make: Make, vic: Account, ids: Ids) -> None:
    before, client = Entry.objects.count(), make.client(vic)
    for address in (f"/streams/{ids['stream']}/delete/", f"/resources/{ids['stream']}/permissions/"):
        assert client.get(address).status_code == 403
    assert Entry.objects.count() == before
