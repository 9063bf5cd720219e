"""The suite runs on the database that was asked for."""

import pytest
from django.db import connection

from tests.services import postgres


@pytest.mark.django_db
def test_the_suite_runs_on_the_database_that_was_asked_for() -> None:
    assert connection.vendor == ("postgresql" if postgres.wanted() else "sqlite")
