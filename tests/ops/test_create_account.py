"""``manage.py create-account``: the first way in. What it refuses it says in a sentence, and writes nothing."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Account
from audit.models import Entry
from tests.conftest import PASSWORD, Make
from tests.ops.conftest import Prepared, Run


def create(*arguments: str) -> str:
    out = io.StringIO()
    call_command("create-account", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_the_first_account_is_a_superuser_the_second_is_not() -> None:
    assert create("-u", "root", "-p", PASSWORD) == "Created root (superuser).\n"
    assert create("-u", "vic", "-p", PASSWORD, "--role", "viewer") == "Created vic (role Viewer).\n"
    assert create("-u", "nell", "-p", PASSWORD) == "Created nell (role None).\n"
    root, vic, nell = Account.objects.order_by("pk")
    assert (root.is_superuser, root.role, root.must_change_password) == (True, "administrator", False)
    assert (vic.is_superuser, vic.role) == (False, "viewer")
    assert (nell.is_superuser, nell.role) == (False, "none")
    assert root.check_password(PASSWORD)
    entry = Entry.objects.order_by("pk")[0]
    assert (entry.event, entry.channel, entry.actor_name, entry.target_name) == (
        "account.created", "command", "shell", "root",
    )  # fmt: skip


@pytest.mark.django_db
def test_the_first_account_with_a_role_is_what_was_said() -> None:
    create("-u", "vic", "-p", PASSWORD, "--role", "viewer")
    assert not Account.objects.get().is_superuser


@pytest.mark.django_db
def test_a_later_superuser() -> None:
    create("-u", "a", "-p", PASSWORD)
    create("-u", "b", "-p", PASSWORD, "--superuser")
    assert Account.objects.get(username="b").is_superuser


@pytest.mark.parametrize(
    ("username", "password", "sentence"),
    [
        ("ada", PASSWORD, "The username ada is taken. Choose another."),
        ("ADA", PASSWORD, "The username ADA is taken. Choose another."),
        ("ａｄａ", PASSWORD, "is taken. Choose another."),  # full-width letters
        ("STRASSE", PASSWORD, "is taken. Choose another."),
        ("zoe\u0308", PASSWORD, "is taken. Choose another."),  # the dots as a character of their own
        ("", PASSWORD, "The username is empty. Name the account with -u USERNAME."),
        ("   ", PASSWORD, "The username is empty."),
        ("a b", PASSWORD, "A username has no spaces. Remove them."),
        ("a\x00b", PASSWORD, "The character U+0000 can't be seen. Remove it."),
        ("\u202eada", PASSWORD, "The character U+202E can't be seen. Remove it."),
        ("...", PASSWORD, "A username needs at least one letter or digit."),
        ("a" * 151, PASSWORD, "at most 150 characters"),
        ("eve", "short", "at least 12 characters"),
        ("eve", "", "at least 12 characters"),
        ("eve", "password1234", "too common"),
        ("evangeline", "evangeline12", "too similar to the Username"),
        ("eve", "x" * 129, "Use at most 128 characters."),
    ],
)
def test_what_is_refused(make: Make, username: str, password: str, sentence: str) -> None:
    for taken in ("ada", "straße", "zoë"):
        make.account(taken)
    with pytest.raises(CommandError) as error:
        create("-u", username, "-p", password)
    assert sentence in str(error.value)
    assert Account.objects.count() == 3
    assert not Entry.objects.exists()


def test_the_shell_sees_one_sentence_and_status_1(run: Run, tmp_path: Path, prepared: Prepared) -> None:
    """As processes: the password from the standard input, what is wrong on the error output, nothing written."""
    prepared(tmp_path)
    before: Any = run("manage.py", "create-account", "-u", "ada", typed="short\n")
    assert (before.returncode, before.stdout) == (1, "")
    assert "at least 12 characters" in before.stderr
    assert "Traceback" not in before.stderr
    made = run("manage.py", "create-account", "-u", "ada", typed=f"{PASSWORD}\n")
    assert (made.returncode, made.stdout, made.stderr) == (0, "Created ada (superuser).\n", "")
    again = run("manage.py", "create-account", "-u", "Ada", "-p", PASSWORD)
    assert again.returncode == 1
    assert "The username Ada is taken. Choose another." in again.stderr
    unknown = run("manage.py", "create-account", "-u", "eve", "-p", PASSWORD, "--role", "king")
    assert unknown.returncode == 2
    assert "invalid choice: 'king'" in unknown.stderr


def test_without_tables_it_says_what_to_do(run: Run) -> None:
    ended = run("manage.py", "create-account", "-u", "ada", "-p", PASSWORD)
    assert ended.returncode == 1
    assert "The database is not ready" in ended.stderr
    assert "Run `make prepare` first." in ended.stderr
