"""What ``docker compose up`` starts."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from agora.serve import PARTS


@pytest.fixture
def services() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(Path(settings.BASE_DIR, "docker-compose.yml").read_text())
    return read["services"]  # type: ignore[no-any-return]


def test_web_worker_beat_database_and_queue_are_started_and_kept(services: dict[str, Any]) -> None:
    assert set(services) == {"web", "worker", "beat", "db", "redis"}
    assert {one["restart"] for one in services.values()} == {"unless-stopped"}


@pytest.mark.parametrize("part", ["web", "worker", "beat"])
def test_each_of_our_parts_is_one_image_and_one_command(services: dict[str, Any], part: str) -> None:
    service = services[part]
    assert service["image"] == "agora" and service["command"][1:] == ["-m", "agora.serve", part]
    assert part in PARTS
    assert {"DATABASE_URL", "REDIS_URL"} <= set(service["environment"])


def test_nothing_starts_before_what_it_needs_answers(services: dict[str, Any]) -> None:
    healthy = {"condition": "service_healthy"}
    assert services["web"]["depends_on"] == {"db": healthy, "redis": healthy}
    for part in ("worker", "beat"):
        assert services[part]["depends_on"] == {"web": healthy}
    assert "pg_isready" in services["db"]["healthcheck"]["test"][1]
    assert "redis-cli ping" in services["redis"]["healthcheck"]["test"][1]
    assert "healthcheck" not in services["web"], "the image's own, which asks /healthz"
    dockerfile = Path(settings.BASE_DIR, "Dockerfile").read_text()
    assert "HEALTHCHECK" in dockerfile and "/healthz" in dockerfile
