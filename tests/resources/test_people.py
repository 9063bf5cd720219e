"""What the dialog says of the people it finds, and what a choice takes away from them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Account
from resources.models import Resource
from resources.roles import ResourceRole
from tests.conftest import Make
from tests.resources.conftest import give
from tests.resources.test_permissions import Dialog

N, V, E, A = ResourceRole.NONE, ResourceRole.VIEWER, ResourceRole.EDITOR, ResourceRole.ADMINISTRATOR
TAKES = "gives Editor here. This takes away from that."


@pytest.mark.parametrize(
    ("system", "role", "ended", "said"),
    [
        ("none", None, False, "Add as Viewer"),
        ("viewer", None, False, "Sees it by system role"),
        ("editor", None, False, "Edits it by system role"),
        ("none", V, False, "Has access"),
        ("editor", N, False, "Taken away"),
        ("none", A, True, "Ended"),
        ("administrator", None, False, "Always has access"),
    ],
)
def test_what_each_found_person_may_now(
    make: Make, ada: Account, studio: Resource, system: str, role: ResourceRole | None, ended: bool, said: str
) -> None:
    klara = make.account("klara", role=system)
    if role is not None:
        give(klara, studio, role, ends_at=timezone.now() - timedelta(hours=1) if ended else None)
    client = make.client(ada)
    found = client.get(f"/resources/{studio.pk}/permissions/people/?q=klara").content.decode()
    assert f'<span class="end faint">{said}</span>' in found
    listed = client.get(f"/resources/{studio.pk}/permissions/people/?q=klara&account={klara.pk}").content.decode()
    assert (">In the list<" in listed) == (role is None and system != "administrator")


def test_a_choice_that_takes_away_says_so(make: Make, ada: Account, ed: Account, studio: Resource) -> None:
    dialog = Dialog(make.client(ada), studio)
    assert TAKES not in dialog.page
    dialog.press("add", ed.pk)
    assert dialog.fields[f"role-{ed.pk}"] == ["viewer"] and TAKES in dialog.page
    assert TAKES not in dialog.press("search", **{f"role_{ed.pk}": "editor"}).page
    assert TAKES in dialog.press("search", **{f"role_{ed.pk}": "none"}).page
    assert TAKES not in dialog.press("drop", ed.pk).page
