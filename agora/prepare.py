"""Prepares the data folder: keys, tables, static files and, for the server's start, the first superuser.

Run by ``agora.serve`` before the web server, and by ``make prepare``. Everything is done once: a second run changes
nothing.
"""

import hashlib
import os
import signal
import sys
from pathlib import Path

import django
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from agora.base import env

ROOT = Path(__file__).resolve().parent.parent


def make_data_folder() -> Path:
    """The data folder, readable by its owner only, and the folder for logs in it."""
    data = env.folder("AGORA_DATA", ROOT / "var")
    (data / "log").mkdir(parents=True, exist_ok=True)
    data.chmod(0o700)
    return data


def make_key(variable: str, file: Path) -> None:
    """Makes a key file once, mode 600, unless the environment has the key.

    The key is random: 32 bytes in URL-safe base64, which is what Fernet wants and enough for Django's SECRET_KEY.
    """
    if env.text(variable):
        return
    try:
        # O_EXCL: an existing key is never overwritten, not even by two starts at the same time.
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(Fernet.generate_key() + b"\n")


def migrate() -> None:
    """Brings the tables up to date; says so only when there is something to do."""
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        print("Bringing the database up to date ...", flush=True)
        call_command("migrate", interactive=False, verbosity=0)


def collect_static(data: Path) -> None:
    """Collects the static files when one of them was added, removed or changed since the last time.

    Files of earlier versions stay: pages that are still open refer to them.
    """
    from django.conf import settings
    from django.contrib.staticfiles.finders import get_finders
    from django.core.management import call_command

    digest = hashlib.sha256(f"{django.__version__} {settings.STORAGES['staticfiles']}".encode())
    for finder in get_finders():
        for path, storage in finder.list([]):
            status = os.stat(storage.path(path))
            digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    stamp = data / "static.collected"
    if stamp.exists() and Path(settings.STATIC_ROOT).exists() and stamp.read_text() == digest.hexdigest():
        return
    # The package's extensions, of which none is used, import by bare names that the hashed storage can't follow.
    call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=["django_htmx/ext/*"])
    stamp.write_text(digest.hexdigest())


def make_first_superuser() -> None:
    """Makes the first account when there is none, and shows its password this once."""
    from accounts.services.accounts import create_first_superuser

    made = create_first_superuser()
    if made is None:
        return
    lines = [
        "There was no account yet. This one was made:",
        "",
        f"    Username: {made[0]}",
        f"    Password: {made[1]}",
        "",
        "The password is shown only now and must be changed at the first sign-in.",
    ]
    width = max(map(len, lines)) + 4
    print("\n".join(["", "=" * width, *(f"  {line}".rstrip() for line in lines), "=" * width, ""]), flush=True)


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a traceback
    os.umask(0o077)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agora.settings")
    try:
        data = make_data_folder()
        make_key("AGORA_SECRET_KEY", data / "secret-key")
        make_key("AGORA_ENCRYPTION_KEY", data / "encryption-key")
    except OSError as error:
        print(f"The data folder can't be written: {error}. Set AGORA_DATA to a folder of your own.", file=sys.stderr)
        return 1
    try:
        django.setup()
    except ImproperlyConfigured as error:
        print(error, file=sys.stderr)
        return 1
    from django.db import OperationalError

    try:
        migrate()
    except OperationalError as error:
        print(f"The database can't be used: {error}\nCheck DATABASE_URL and that the database runs.", file=sys.stderr)
        return 1
    collect_static(data)
    if "--first-superuser" in sys.argv[1:]:
        make_first_superuser()
    return 0


if __name__ == "__main__":
    sys.exit(main())
