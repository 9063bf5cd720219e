"""The command palette finds resources that the person may see, and no others."""

from accounts.models import Account
from resources.models import Resource
from resources.roles import ResourceRole
from tests.accounts.test_jump import results
from tests.conftest import Make
from tests.resources.conftest import give, recording


def test_it_finds_what_one_may_see(make: Make, vic: Account, nell: Account, origin: Resource, studio: Resource) -> None:
    take = recording(make, studio)
    found = results(make.client(vic), "o")
    for resource, page in ((origin, "streamers"), (studio, "streams"), (take, "recordings")):
        assert f'href="/{page}/{resource.pk}/"' in found
    assert "Stream · origin1.example.com" in found
    assert f'href="/streams/{studio.pk}/"' in results(make.client(vic), "REHEARS"), "by its title, whatever its case"
    assert "/streams/" not in results(make.client(nell), "studio")
    give(nell, studio, ResourceRole.VIEWER)
    give(vic, studio, ResourceRole.NONE)
    assert f'href="/streams/{studio.pk}/"' in results(make.client(nell), "studio")
    assert "/streams/" not in results(make.client(vic), "studio")
