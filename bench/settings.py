"""The server's settings on databases of the bench's own, with Django's admin beside it for comparison."""

import atexit
import os
import shutil
import tempfile

from cryptography.fernet import Fernet

if "BENCH_DATA" not in os.environ:  # a process that is started by the bench shares its keys
    _data = tempfile.mkdtemp(prefix="agora-bench-keys-")
    atexit.register(shutil.rmtree, _data, ignore_errors=True)
    for _name in [name for name in os.environ if name.startswith("AGORA_")]:
        del os.environ[_name]
    os.environ["AGORA_DATA"] = os.environ["BENCH_DATA"] = _data
    os.mkdir(f"{_data}/static")  # else WhiteNoise warns in every process
    os.environ["AGORA_SECRET_KEY"] = Fernet.generate_key().decode()
    os.environ["AGORA_ENCRYPTION_KEY"] = Fernet.generate_key().decode()
    os.environ["AGORA_LOG_LEVEL"] = "ERROR"

from agora.settings import *  # noqa: F403
from agora.settings import INSTALLED_APPS, OWN_HOSTS, STORAGES, TEMPLATES

OWN_HOSTS = [*OWN_HOSTS, "testserver"]
ROOT_URLCONF = "bench.urls"
INSTALLED_APPS = [*INSTALLED_APPS, "django.contrib.sessions", "django.contrib.admin", "guardian"]
ANONYMOUS_USER_NAME = None  # django-guardian makes no account of its own
STORAGES = STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
# The pages come out as compiled templates, as in production; Django's admin gets the context it asks for.
TEMPLATES = [
    TEMPLATES[0],
    TEMPLATES[1]
    | {
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        }
    },
]
SILENCED_SYSTEM_CHECKS = [
    "guardian.W001",
    "auth.W004",
    "admin.E408",
    "admin.E410",
]  # the admin's own middleware is replaced by ours
