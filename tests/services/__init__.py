"""The real services that the tests talk to: private instances, started by the test run and ended by it."""

import os
from typing import NoReturn

import pytest

ON_CI = os.environ.get("CI") == "true"


def missing(sentence: str) -> NoReturn:
    """The machine lacks a service: the test is skipped with the command that installs it; under CI=true it fails."""
    if ON_CI:
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)
