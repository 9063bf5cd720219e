"""schemathesis tries the streamers' API with a configuration key: no 5xx, nothing that the schema doesn't say."""

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from pytest_django.live_server_helper import LiveServer

from agora.api import SCHEMA
from resources.services.streamer_keys import make_key
from tests.conftest import Make
from tests.pages import World
from tests.rest.test_schema import attempt, examples_of

OWN = {"paths": {path: found for path, found in SCHEMA["paths"].items() if path.startswith("/api/v1/streamer/")}}


@pytest.mark.django_db(transaction=True)
def test_the_server_keeps_to_its_schema(live_server: LiveServer, make: Make, tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR, settings.MACHINE_RATE = tmp_path, 10**9
    world = World(make)
    secret = make_key(world.streamer, actor=make.actor())
    schema = schemathesis.openapi.from_dict(SCHEMA | OWN)
    tried = 0
    for found in schema.get_all_operations():
        for case in examples_of(found.ok(), 15):
            attempt(case, live_server.url, {"Authorization": f"Bearer {secret}"})
            tried += 1
    assert tried > len(OWN["paths"]) * 5
