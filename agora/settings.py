"""Settings of the process. The only module that reads the environment; what may change while running is a row.

See README, "Configuration", for the table of variables.
"""

import ssl
from pathlib import Path

import dj_database_url
import django
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from agora.base import env

BASE_DIR = Path(__file__).resolve().parent.parent
DEBUG = env.flag("AGORA_DEBUG")
DATA_DIR = env.folder("AGORA_DATA", BASE_DIR / "var")
SECRET_KEY = env.secret("AGORA_SECRET_KEY", DATA_DIR / "secret-key", debug=DEBUG)
# Encrypts secrets at rest (SMTP, SSO and host passwords). Kept apart from SECRET_KEY so that each can be rotated alone.
ENCRYPTION_KEY = env.fernet_key(
    "AGORA_ENCRYPTION_KEY", env.secret("AGORA_ENCRYPTION_KEY", DATA_DIR / "encryption-key", debug=DEBUG)
)

# --- Addresses -----------------------------------------------------------------------------------------------------
HOSTNAME = env.hostname("AGORA_HOSTNAME", f"localhost:{env.number('PORT', 8000, least=1, most=65535)}")
HTTPS = env.flag("AGORA_HTTPS")
TRUSTED_PROXIES = env.networks("AGORA_TRUSTED_PROXIES")
# What it answers to is decided by settings_admin.middleware.HostMiddleware, for the hostname may change at any time.
ALLOWED_HOSTS = ["*"]
# These stay usable whatever the setting says, so that nobody locks themselves out.
OWN_HOSTS = sorted({env.without_port(HOSTNAME), env.listening_host("HOST"), "localhost", "127.0.0.1", "[::1]"})

# --- Apps and middleware ---------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "sso",
    "api_keys",
    "resources",
    "feedback",
    "logs",
    "impersonation",
    "projects",
    "accounts",
    "mail",
    "sessions_admin",
    "settings_admin",
    "audit",
    "rest",
    "agora.base",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "django_otp",
    "django_otp_webauthn",
    "django_filters",
    "django_htmx",
    "csp",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "agora.base.http.RequestMiddleware",
    "logs.middleware.StreamedErrorsMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",  # these two around everything that may refuse
    "agora.base.http.PolicyMiddleware",
    "agora.health.HealthMiddleware",
    "settings_admin.middleware.HostMiddleware",
    "sessions_admin.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "settings_admin.middleware.CsrfMiddleware",
    "accounts.middleware.AccountMiddleware",
    "resources.middleware.StreamerMiddleware",
    "api_keys.middleware.KeyMiddleware",
    "rest.middleware.RateLimitMiddleware",
    "impersonation.middleware.ImpersonationMiddleware",
    "projects.middleware.AdminModeMiddleware",
    "agora.base.actor.ActorMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "agora.base.access.AccessMiddleware",
    "accounts.middleware.SecondFactorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "agora.base.errors.RefusalMiddleware",
    "impersonation.middleware.LookOnlyMiddleware",
]
ROOT_URLCONF = "agora.urls"
WSGI_APPLICATION = "agora.wsgi.application"

# --- Data ------------------------------------------------------------------------------------------------------------
_DATABASE_URL = env.url(
    "DATABASE_URL",
    schemes=("postgres", "postgresql", "sqlite"),
    default=f"sqlite:///{DATA_DIR / 'agora.sqlite3'}",
)
DATABASES = {"default": dj_database_url.parse(_DATABASE_URL)}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # IMMEDIATE takes the write lock at the start of a transaction: two writers wait instead of failing half-way.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
    }
else:
    # Opening a connection for each request costs 4 ms; without the health check a database restart costs one error 500
    # in each worker.
    DATABASES["default"] |= {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}
SILENCED_SYSTEM_CHECKS = ["auth.W004"]  # Usernames are unique by Account.username_key, whatever their case.
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.url("REDIS_URL", schemes=("redis", "rediss", "unix"))
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

# --- Mail and background work ----------------------------------------------------------------------------------------
MAIL_RELAY = env.relay("AGORA_MAIL_RELAY_URL")
MAIL_LEASE = (
    60.0  # seconds that a worker which is not heard of keeps the mails it took, beside the server's own timeout
)
MAIL_SWEEP = 10.0  # seconds between two looks for mails that nobody was told of
# The queue wakes the workers; what must not be lost is a row. Without Redis, `agora.serve` starts a server of our own.
QUEUE_SOCKET = env.socket_path(DATA_DIR / "queue", "queue.sock")
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://") or f"redis+socket://{QUEUE_SOCKET}"
CELERY_BROKER_USE_SSL = {"ssl_cert_reqs": ssl.CERT_REQUIRED} if REDIS_URL.startswith("rediss://") else None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "global_keyprefix": "agora:",
    "socket_timeout": 5,  # as they come these wait for ever for a server that hangs
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 10,
    "visibility_timeout": 60,  # seconds until a task whose worker died is delivered again
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 2,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_WORKER_CONSUMER = "agora.worker:Consumer"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"  # in memory: there is no file that a kill could damage
CELERY_TIMEZONE = "UTC"

# --- Accounts and sessions -------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.Account"
AUTHENTICATION_BACKENDS = ["accounts.backends.LocalBackend", "sso.ldap.backend.DirectoryBackend"]
IMPERSONATION = env.flag("AGORA_IMPERSONATION", default=True)
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "overview"
PASSWORD_HASHERS = ["accounts.passwords.BoundedArgon2Hasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "accounts.passwords.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "accounts.passwords.MaximumLengthValidator", "OPTIONS": {"max_length": 128}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "first_name", "last_name", "email", "external_id")},
    },
]
PASSWORD_RESET_TIMEOUT = 3_600  # seconds
# What the package wants to see; the ceremonies ask accounts.passkeys, which knows by which name the server is reached.
OTP_WEBAUTHN_RP_ID = env.without_port(HOSTNAME)
OTP_WEBAUTHN_RP_NAME = "Agora"
OTP_WEBAUTHN_ALLOWED_ORIGINS = [f"{'https' if HTTPS else 'http'}://{HOSTNAME}"]
OTP_WEBAUTHN_ALLOW_PASSWORDLESS_LOGIN = False
SESSION_ENGINE = "sessions_admin.store"
SESSION_COOKIE_NAME = "agora_session"
SESSION_EXPIRE_AT_BROWSER_CLOSE = True  # How long a session lasts is the server's decision: idle and absolute limits.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "agora.errors.csrf_failure"
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"

# --- API -------------------------------------------------------------------------------------------------------------
API_RATE = 600  # requests a minute of one key, or of one account in its browsers
MACHINE_RATE = 6_000  # of one streamer, which reports every session

# --- Pages -----------------------------------------------------------------------------------------------------------
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        # Django's widgets as it brings them for this language; its own takes four times as long.
        "DIRS": [BASE_DIR / "templates", Path(django.__file__).parent / "forms/jinja2"],
        "OPTIONS": {
            "environment": "agora.base.jinja.environment",
            "context_processors": [
                "django.contrib.auth.context_processors.auth",
                "agora.menu.page",
                "settings_admin.models.server",
            ],
        },
    },
    # Packages bring templates in Django's own language.
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True},
]
FORM_RENDERER = "agora.base.forms.FormRenderer"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": DATA_DIR / "files"}},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage" if DEBUG else "agora.base.http.StaticFiles"
    },
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG

# --- What browsers may do (OWASP Secure Headers) ---------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440

# --- Logs ------------------------------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "class": "logs.lines.MaskedFormatter",
            "format": "{asctime} {levelname} {name} [{actor}] {message}",
            "style": "{",
        }
    },
    "filters": {"names": {"()": "agora.base.actor.NamesFilter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["names"]}},
    "root": {"handlers": ["console"], "level": env.text("AGORA_LOG_LEVEL", "INFO")},
}
