"""The server's settings with a data folder, a database and keys of the test run's own: nothing touches ``var/``."""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

from cryptography.fernet import Fernet

from tests.services import postgres

# Where the environment forbids __pycache__, dozens of processes would each compile all there is.
if sys.dont_write_bytecode:
    sys.pycache_prefix = str(Path(__file__).parent.parent / ".pytest_cache" / "bytecode")
    sys.dont_write_bytecode, os.environ["PYTHONPYCACHEPREFIX"] = False, sys.pycache_prefix
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
if "AGORA_TEST_FOLDER" not in os.environ:  # the run's first process; its workers put theirs inside
    os.environ["AGORA_TEST_FOLDER"] = tempfile.mkdtemp(prefix="agora-tests-")
    atexit.register(shutil.rmtree, os.environ["AGORA_TEST_FOLDER"], ignore_errors=True)
_data = tempfile.mkdtemp(dir=os.environ["AGORA_TEST_FOLDER"])
for _name in [name for name in os.environ if name.startswith("AGORA_") and not name.startswith("AGORA_TEST_")]:
    del os.environ[_name]
for _name in ("DATABASE_URL", "REDIS_URL", "HOST", "PORT"):
    os.environ.pop(_name, None)
os.environ["AGORA_DATA"] = _data
os.environ["AGORA_SECRET_KEY"] = Fernet.generate_key().decode()
os.environ["AGORA_ENCRYPTION_KEY"] = Fernet.generate_key().decode()

POSTGRES_MISSING = ""
if postgres.wanted():
    try:
        os.environ["DATABASE_URL"] = postgres.address()
    except postgres.Missing as _missing:
        POSTGRES_MISSING = str(_missing)

from agora.settings import *  # noqa: E402, F403
from agora.settings import DATABASES, OWN_HOSTS, STORAGES  # noqa: E402

API_RATE = 10**6  # one process asks thousands of times a minute; the tests of the limit set their own
PASSWORD_HASHERS = ["tests.hashing.QuickHasher"]
OWN_HOSTS = [*OWN_HOSTS, "testserver"]  # what Django's test client calls the server

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file as in production: the browser tests' server has threads, which would share one connection to a database in
    # memory and so write into each other's transactions.
    DATABASES["default"]["TEST"] = {"NAME": f"{_data}/tests.sqlite3"}

# Straight from the source folders, without collecting them first.
STORAGES = STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = True
