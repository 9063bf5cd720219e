"""Whoever is refused sees a reference, and the audit log has the reason under it."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client

from audit.models import Entry
from sso.models import Provider
from tests.conftest import Make
from tests.sso.saml.conftest import FORGED_BY, forge, metadata, our_key  # noqa: F401 - fixtures

pytestmark = pytest.mark.django_db


def reference_of(page: Any) -> str:
    reference: str = page.headers["X-Request-Id"]
    assert reference in page.content.decode()
    return reference


def test_the_page_between_in_another_browser(forge: Callable[..., Provider]) -> None:  # noqa: F811
    redirect, form = (
        'Redirect" Location="https://forge.example.com/sso',
        'POST" Location="https://forge.example.com/sso',
    )
    provider = forge()
    provider.saml.metadata_xml = metadata(FORGED_BY, "provider").replace(redirect, form)
    provider.saml.save()
    away = re.search(r'id="away" href="([^"]+)"', Client().post("/sso/forge/login/").content.decode())
    assert away
    page = Client().get(unescape(away[1]))
    assert page.status_code == 403 and b"browser" not in page.content
    entry = Entry.objects.get(event="session.opened")
    assert (entry.request_id, entry.details["reason"]) == (reference_of(page), "other_browser")
    page = Client().get("/sso/forge/post/", {"request": "unknown"})
    assert Entry.objects.latest("pk").request_id == reference_of(page)


def test_the_sign_in_form(make: Make) -> None:
    page = Client().post("/sign-in/", {"username": "eva", "password": "wrong"})
    assert Entry.objects.get(event="session.opened").request_id == reference_of(page)
    page = Client().post("/sign-in/", {"username": "eva", "password": ""})
    assert "Reference" not in page.content.decode()


def test_the_page_of_every_refusal() -> None:
    assert reference_of(Client().get("/sso/staff/login/", headers={"host": "elsewhere.example"}))
