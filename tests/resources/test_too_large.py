"""More than a request may hold: said with the limit, and what to do instead works."""

from typing import Any

from accounts.models import Account
from agora.api import SCHEMA
from resources.models import Grant, Input, Resource, Stream
from resources.services.ends import add_end
from resources.services.resources import create_stream
from tests.conftest import Make
from tests.resources.conftest import LOAD, Machine
from tests.resources.test_api import send, told

SENTENCE = "a request holds 2.5\xa0MB at most. Send it in several parts."


def report(name: str, end: int = 1) -> dict[str, Any]:
    ends = [{"id": end, "state": "active"}] * 32
    return {"name": name, "state": "running", "problem": "a cable" * 20, "inputs": ends, "pushes": ends}


def test_the_largest_heartbeat_is_refused_with_the_limit(machine: Machine, studio: Resource) -> None:
    answer = machine.call("POST", "heartbeat", LOAD | {"streams": [report("studio-2")] * 2_000})
    problem = told(answer)
    assert (answer.status_code, problem["code"]) == (413, "too_large")
    assert problem["detail"].endswith(SENTENCE) and problem["request_id"]
    assert not Stream.objects.get(resource=studio).state, "nothing of it counts"


def test_streams_spread_over_several_heartbeats_are_all_known(
    make: Make, root: Account, origin: Resource, studio: Resource, machine: Machine
) -> None:
    create_stream("studio-3", streamer=origin, actor=make.actor(root))
    end = add_end(studio, Input(kind="file"), {"path": "a.mp4"}, actor=make.actor(root))
    for name in ("studio-2", "studio-3"):
        machine.beat(streams=[report(name, end.pk)])
    assert set(Stream.objects.values_list("state", flat=True)) == {"running"}
    assert Input.objects.get().state == "active"


def test_too_many_grants_at_once_are_refused_with_the_limit(make: Make, root: Account, studio: Resource) -> None:
    items = [{"account": f"viewer-{number}", "role": "viewer", "reason": "x" * 500} for number in range(5_000)]
    answer = send(make.client(root), "PUT", f"/resources/{studio.pk}/grants", {"items": items})
    assert (answer.status_code, told(answer)["detail"].endswith(SENTENCE)) == (413, True)
    assert Grant.objects.count() == 2, "root's own on both"


def test_a_form_says_it_on_a_page(make: Make, root: Account, studio: Resource) -> None:
    page = make.client(root).post(f"/streams/{studio.pk}/", {"title": "x" * 3_000_000})
    assert page.status_code == 413 and SENTENCE in page.content.decode()


def test_operations_that_take_json_say_that_they_may_fail_so() -> None:
    paths = SCHEMA["paths"]
    assert "413" in paths["/api/v1/streamer/heartbeat"]["post"]["responses"]
    assert "413" not in paths["/api/v1/recordings"]["post"]["responses"], "a file may have any size"
