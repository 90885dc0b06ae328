"""Settings of a running panel: secure by default, everything variable from `env.Config`."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from ollamactl.lib.moments import API_FORMAT
from ollamactl.settings import appearance, navigation
from ollamactl.settings.brokers import broker_from
from ollamactl.settings.databases import database_from
from ollamactl.settings.env import Config, ConfigurationError
from ollamactl.settings.fingerprint import fingerprint_of

BASE_DIR = Path(__file__).resolve().parents[2]

try:
    CONFIG = Config.from_environ(os.environ)
except ConfigurationError as error:
    sys.exit(str(error))

DEBUG = False
SECRET_KEY = CONFIG.signing_key()
ROOT_URLCONF = "ollamactl.urls"
ASGI_APPLICATION = "ollamactl.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- who may reach it -----------------------------------------------------------------------------
HTTPS = CONFIG.public_url.startswith("https://")
ALLOWED_HOSTS = list(CONFIG.own_hosts)
CSRF_TRUSTED_ORIGINS = [CONFIG.public_url] if CONFIG.public_url else []
TRUSTED_PROXIES = list(CONFIG.trusted_proxies)

SESSION_COOKIE_NAME = "ollamactl_session"
CSRF_COOKIE_NAME = "ollamactl_csrf"
LANGUAGE_COOKIE_NAME = "ollamactl_language"
CSRF_FAILURE_VIEW = "ollamactl.failures.forged"
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = False  # the page's script sends it back as a header
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SESSION_COOKIE_AGE = int(timedelta(days=14).total_seconds())
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Of trusted proxies alone: `TrustedProxiesMiddleware` drops what strangers say in their name.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, "'unsafe-eval'"],  # Alpine, in the shell, evaluates its attributes
        "style-src": [SELF, "'unsafe-inline'"],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "ollamactl.failures.locked_out"
AXES_HTTP_RESPONSE_CODE = 429
AXES_VERBOSE = False
AXES_CLIENT_IP_CALLABLE = "audit_app.actors.client_address"
AXES_IPWARE_META_PRECEDENCE_ORDER = ["REMOTE_ADDR"]

# --- what it is made of ---------------------------------------------------------------------------
INSTALLED_APPS = [
    "ollamactl.apps.ProjectConfig",
    "models_app",
    "tasks_app",
    "audit_app",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "ollamactl.apps.PanelAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "django_htmx",
    "django_filters",
    "rest_framework",
    "drf_standardized_errors",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "knox",
    "csp",
    "axes",
]
MIDDLEWARE = [
    "audit_app.proxies.TrustedProxiesMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "ollamactl.lib.static_files.FingerprintedStaticFiles",
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "ollamactl.lib.htmx.ApplicationErrorMiddleware",
    "axes.middleware.AxesMiddleware",
]
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "ollamactl.context.panel",
            ],
            "libraries": {"panel": "ollamactl.templatetags"},
        },
    }
]

# --- database -------------------------------------------------------------------------------------
DATABASES = {"default": database_from(CONFIG.database_url, CONFIG.home)}

# --- broker and live events -----------------------------------------------------------------------
VALKEY_URL = CONFIG.valkey_url or f"unix://{CONFIG.valkey_socket}"
CHANNEL_LAYERS = {
    "default": {
        # This layer outlives a killed Valkey; the other one closes every socket.
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [VALKEY_URL], "prefix": "ollamactl"},
    }
}
CELERY_BROKER_URL = broker_from(VALKEY_URL)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_DISABLE_PREFETCH = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 43200,
    "global_keyprefix": "ollamactl:",
    "socket_connect_timeout": 2,  # a request never waits longer for a wake-up that can be lost
}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0.1, "interval_max": 0.1}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# --- files ----------------------------------------------------------------------------------------
HOME = CONFIG.home
TASK_LOGS = HOME / "task-logs"
KEYS = CONFIG.keys_dir
INITIAL_PASSWORD_FILE = HOME / "initial-password"
STATIC_PACKAGES = ("django", "django-htmx", "django-unfold", "drf-spectacular-sidecar")
STATICFILES_DIRS = [BASE_DIR / "static"]
# Served from the packages themselves: no collected copy that could be out of date.
STATIC_URL = f"static/{fingerprint_of(STATICFILES_DIRS, STATIC_PACKAGES)}/"
STATIC_CACHE = HOME / "static-cache"
WHITENOISE_USE_FINDERS = True
WHITENOISE_ALLOW_ALL_ORIGINS = False

# --- languages and times --------------------------------------------------------------------------
LANGUAGE_CODE = CONFIG.language
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["ollamactl.formats"]
USE_I18N = USE_TZ = True
TIME_ZONE = "UTC"

# --- API ------------------------------------------------------------------------------------------
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "audit_app.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["ollamactl.lib.api.permissions.HasCodename"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["ollamactl.lib.api.parsing.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "ollamactl.lib.api.pagination.PageNumbers",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "ollamactl.lib.api.schema.PanelSchema",
    "EXCEPTION_HANDLER": "ollamactl.lib.api.errors.exception_handler",
    "DATETIME_FORMAT": API_FORMAT,
    "DEFAULT_METADATA_CLASS": None,
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_THROTTLE_RATES": {"login": "30/min"},
}
REST_KNOX = {"TOKEN_TTL": timedelta(days=30), "AUTO_REFRESH": False}
KNOX_TOKEN_MODEL = "audit_app.ApiToken"  # noqa: S105 - the name of a model
SPECTACULAR_SETTINGS = {
    "TITLE": "ollamactl",
    "DESCRIPTION": "Models, servers and tasks of Ollama, for programs.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["ollamactl.lib.api.permissions.HasCodename"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "TaskState": "tasks_app.choices.State",
        "ModelStatus": "models_app.choices.ModelStatus",
        "ModelSource": "models_app.choices.Source",
        "ServerStatus": "models_app.choices.ServerStatus",
        "ServerKind": "models_app.choices.ServerKind",
        "ServerAuthKind": "models_app.choices.AuthKind",
        "CheckState": "models_app.api.preflight_serializers.STATES",
        "DownloadEstimate": "models_app.api.preflight_serializers.ESTIMATES",
        "MemoryEstimate": "models_app.api.preflight_serializers.MEMORY_ESTIMATES",
        "FolderProblem": "models_app.host_models.FolderProblem",
        "GpuProblem": "models_app.resources.gpus.GpuProblem",
        "GpuState": "models_app.resources.gpus.GpuState",
        "Resource": "models_app.api.catalogue_views.RESOURCES",
        "AuditOrigin": "audit_app.choices.Origin",
        "AuditOutcome": "audit_app.choices.Outcome",
    },
    # The badge of a validator elsewhere is left out: nothing leaves this machine.
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},
}
DRF_STANDARDIZED_ERRORS = {
    "EXCEPTION_FORMATTER_CLASS": "ollamactl.lib.api.errors.Formatter",
}

# --- shell of the pages ---------------------------------------------------------------------------
UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "ollamactl",
    "SITE_HEADER": "ollamactl",
    "SITE_SUBHEADER": _("Control panel for Ollama"),
    "SITE_URL": None,
    "SITE_ICON": navigation.ICON,
    "COLORS": appearance.COLORS,
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "SITE_FAVICONS": navigation.FAVICONS,
    "DASHBOARD_CALLBACK": "ollamactl.dashboard.dashboard_context",
    "STYLES": navigation.STYLES,
    "SCRIPTS": navigation.SCRIPTS,
    "SIDEBAR": navigation.SIDEBAR,
    "ACCOUNT": navigation.ACCOUNT,
}

# --- what the panel watches -----------------------------------------------------------------------
OLLAMA_URL = CONFIG.ollama_url
CHECK_INTERVAL = 5.0  # seconds between two looks at a server's version and running models
TAGS_INTERVAL = 60.0  # seconds between two looks at a server's list of models
DISK_WATCH_SECONDS = 5.0  # seconds between two looks at the disk under a running download
HOST_REPORT_SECONDS = 3.0  # seconds between two reports of a worker on a server's host
HOST_REPORT_BELIEVED_SECONDS = 30.0  # seconds; an older report is not believed
SYNC_EVERY = timedelta(hours=CONFIG.sync_hours) or None
UPDATES_EVERY = timedelta(hours=CONFIG.updates_hours) or None
STALL_SECONDS = 60.0  # a pull whose bytes do not grow for so long is posted again
REGISTRIES = ["registry.ollama.ai", "hf.co", "huggingface.co", *CONFIG.registries]
INSECURE_REGISTRIES = list(CONFIG.insecure_registries)
OLLAMA_MODELS_FOLDERS = [
    folder
    for folder in (
        CONFIG.ollama_models,
        "~/.ollama/models",
        "/usr/share/ollama/.ollama/models",
        "/var/lib/ollama/models",
    )
    if folder
]
TASK_LOG_BYTES = 10_000_000
RETENTION = CONFIG.retention
BACKUPS_KEPT = CONFIG.backups_kept
METRICS_FROM_LOOPBACK = CONFIG.metrics == "loopback"

LOGGING_CONFIG = "ollamactl.logs.configure"
LOGGING = {"format": CONFIG.log_format}
