"""``manage.py create-account``: the first way in, and a way in from the shell at any time."""

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from accounts.models import Account
from accounts.roles import Role
from accounts.services.accounts import create_account
from agora.base.actor import Actor


class CreateAccount(BaseCommand):
    """Creates an account; the first one of a server is a superuser."""

    help = "Creates an account. The first account is a superuser unless --role says otherwise."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("-u", "--username", required=True, help="unique, whatever its case")
        parser.add_argument("-p", "--password", help="at least 12 characters; asked for when it is not given")
        parser.add_argument("--role", choices=Role.values, help="system role (default: none)")
        parser.add_argument("--superuser", action="store_true", help="an administrator who may also impersonate")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            first = not Account.objects.exists()
        except DatabaseError as error:
            raise CommandError(f"The database is not ready ({error}). Run `make prepare` first.") from error
        superuser = options["superuser"] or (first and options["role"] is None)
        role = Role.ADMINISTRATOR if superuser else options["role"] or Role.NONE
        try:
            username = checked_username(options["username"])
            password = options["password"] if options["password"] is not None else self._ask()
            validate_password(password, Account(username=username))
            create_account(
                username,
                password=password,
                temporary=False,
                role=role,
                superuser=superuser,
                actor=Actor.command("create-account"),
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        kind = "superuser" if superuser else f"role {Role(role).label}"
        self.stdout.write(f"Created {username} ({kind}).")

    def _ask(self) -> str:
        if not sys.stdin.isatty():
            return sys.stdin.readline().rstrip("\n")
        password = getpass.getpass("Password: ")
        if getpass.getpass("Password again: ") != password:
            raise CommandError("The two passwords differ. Nothing was created.")
        return password


def checked_username(text: str) -> str:
    """The username without surrounding space. Raises ValidationError when it is empty, unfit or taken."""
    username = text.strip()
    if not username:
        raise ValidationError("The username is empty. Name the account with -u USERNAME.")
    Account._meta.get_field("username").clean(username, None)
    if Account.objects.named(username).exists():
        raise ValidationError(f"The username {username} is taken. Choose another.")
    return username
