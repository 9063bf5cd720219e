"""Grants that have ended, as they stand in the dialog and as they are saved again."""

import re
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from accounts.models import Account
from audit.models import Entry
from resources.models import Grant, Resource
from resources.roles import ResourceRole
from resources.services.grants import Wanted, note_ended_grants, save_grants
from tests.conftest import Make
from tests.resources.conftest import give
from tests.resources.test_permissions import Dialog

V, E = ResourceRole.VIEWER, ResourceRole.EDITOR


def test_changing_an_ended_grant_needs_another_end(make: Make, ada: Account, nell: Account, studio: Resource) -> None:
    give(nell, studio, V, ends_at=timezone.now() - timedelta(hours=1))
    dialog = Dialog(make.client(ada), studio).press("save", **{f"role_{nell.pk}": "editor"})
    assert dialog.status == 422 and "This grant has ended, so it gives nothing." in dialog.page
    assert ">Ended<" in dialog.page and ">Changed<" in dialog.page
    assert Grant.objects.get(account=nell).role == "viewer"
    dialog.press("save", **{f"ends_{nell.pk}": ""})
    grant = Grant.objects.get(account=nell)
    assert (grant.role, grant.ends_at) == ("editor", None)


def test_an_end_is_written_down_once_though_the_grant_is_changed(make: Make, nell: Account, studio: Resource) -> None:
    now = timezone.now()
    end = now - timedelta(hours=1)
    give(nell, studio, V, ends_at=end)
    assert note_ended_grants(now=now) == 1
    save_grants(studio, {nell.pk: Wanted(V, end, "a reason written later")}, version=1, actor=make.actor())
    assert note_ended_grants(now=now) == 0
    save_grants(studio, {nell.pk: Wanted(E, now + timedelta(days=1))}, version=2, actor=make.actor())
    assert note_ended_grants(now=now + timedelta(days=2)) == 1
    assert Entry.objects.filter(event="grant.expired").count() == 2


def test_an_end_within_a_day_is_shown_to_the_minute(make: Make, ada: Account, nell: Account, studio: Resource) -> None:
    give(nell, studio, V, ends_at=datetime(2998, 11, 30, 17, 38, tzinfo=UTC))
    dialog = Dialog(make.client(ada), studio)
    assert "Until 2998-11-30 17:38" in dialog.page and dialog.fields[f"ends-{nell.pk}"] == ["2998-11-30"]
    dialog.press("search", **{f"ends_{nell.pk}": "2998-11-29"})
    assert re.search(r"Until 2998-11-29\s*<", dialog.page)
