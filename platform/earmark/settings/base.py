"""What all installations share. Complete only together with one of its neighbours."""

from __future__ import annotations

from pathlib import Path

from earmark.settings import env, logs, queues
from earmark.settings.api import *  # noqa: F403
from earmark.settings.sign_in import *  # noqa: F403

_PACKAGE = Path(__file__).resolve().parents[1]
_CHECKOUT = _PACKAGE.parents[1]

DATA_DIR = env.read_path(
    "EARMARK_DATA_DIR",
    default=(_CHECKOUT if (_CHECKOUT / "manage.py").is_file() else Path.cwd()) / "var",
    default_words="`var` in the checkout, or in the working folder",
    meaning="Folder of all state: database, secret key, caches. A second folder is a second, "
    "independent installation.",
)
EARMARK_MODELS_DIR = env.export(
    "EARMARK_MODELS_DIR",
    env.read_path(
        "EARMARK_MODELS_DIR",
        default=DATA_DIR / "models",
        default_words="`models` in the data folder",
        meaning="Folder of the weights that `models pull` fetches; several installations may share "
        "one.",
    ),
)
EARMARK_CLASSIFIERS_DIR = DATA_DIR / "classifiers"
EARMARK_TRAINING_DIR = DATA_DIR / "training"
# The classifier reads it itself; it is declared here because there are no variables but these.
env.declare(
    "EARMARK_EFFICIENTAT_WEIGHTS",
    default="the models folder",
    meaning="Folder of the published EfficientAT files, or one of them; the `efficientat` "
    "classifiers look there instead of in the models folder.",
)
EARMARK_BATCH_TIMEOUT_SECONDS = env.read_number(
    "EARMARK_BATCH_TIMEOUT_SECONDS",
    default=120,
    meaning="Seconds after which a classifier that does not come back from a batch is taken to "
    "hang and ended; as many again for every 64 windows of the batch, and three times as many for "
    "loading and the first batch. 0 for no limit.",
)
EARMARK_CLASSIFIER = env.read_text(
    "EARMARK_CLASSIFIER",
    default="audioset",
    meaning="Name of the classifier that is used where nobody names one.",
)
EARMARK_DEVICE = env.read_text(
    "EARMARK_DEVICE",
    default="cpu",
    meaning="Where classifiers compute: `cpu`, `cuda`, `cuda:1`. Those that cannot use the device "
    "compute on the processor.",
)
EARMARK_DEVICE_BATCH_WINDOWS = env.read_number(
    "EARMARK_DEVICE_BATCH_WINDOWS",
    default=64,
    meaning="Windows scored at once on a device; halved while they do not fit into its memory.",
)
EARMARK_DECODE_TIMEOUT_SECONDS = env.read_number(
    "EARMARK_DECODE_TIMEOUT_SECONDS",
    default=60,
    meaning="Seconds without progress after which the reading of a file is given up; more for "
    "volumes that fall asleep.",
)
EARMARK_JOB_LEASE_SECONDS = env.read_number(
    "EARMARK_JOB_LEASE_SECONDS",
    default=120,
    meaning="Seconds a worker may hold a job without a sign of life before others may take it.",
)
EARMARK_JOB_MAX_LOST_LEASES = env.read_number(
    "EARMARK_JOB_MAX_LOST_LEASES",
    default=3,
    meaning="How often a job may lose its worker before it fails with worker_killed.",
)
EARMARK_JOB_MAX_TRIES = env.read_number(
    "EARMARK_JOB_MAX_TRIES",
    default=3,
    meaning="How often a job of a run is tried when it fails for a reason that may pass; `tag` "
    "tries once and tells.",
)
EARMARK_JOB_RETRY_SECONDS = env.read_number(
    "EARMARK_JOB_RETRY_SECONDS",
    default=30,
    meaning="Seconds until the second try; until the third four times as many, and so on, spread "
    "by half to either side.",
)
EARMARK_EVENT_KEEP_DAYS = env.read_number(
    "EARMARK_EVENT_KEEP_DAYS",
    default=7,
    meaning="Days for which the events of runs are kept; 0 keeps them for ever.",
)
EARMARK_STREAMS_PER_USER = env.read_number(
    "EARMARK_STREAMS_PER_USER",
    default=20,
    meaning="Streams of events that somebody may have open at once, in each web process.",
)
EARMARK_METRICS_TOKEN = env.declare(
    "EARMARK_METRICS_TOKEN",
    default="none: only this machine may read `/metrics`",
    meaning="What `/metrics` asks for, as `Authorization: Bearer TOKEN`; `off` switches the page "
    "off.",
)
EARMARK_SETTLE_SECONDS = env.read_number(
    "EARMARK_SETTLE_SECONDS",
    default=30,
    meaning="A scan leaves files that changed within so many seconds for the next one, as they may "
    "still be being copied; a library may have its own. `tag` takes all it is given.",
)
EARMARK_BROKER_URL = env.declare(
    "EARMARK_BROKER_URL",
    default="none",
    meaning="Where Celery workers hear of new work: `redis://host:6379/0`, or `filesystem://` for "
    "several processes of one machine. Without one `earmark work` does everything.",
)
EARMARK_GPU_CLASSIFIERS = env.read_words(
    "EARMARK_GPU_CLASSIFIERS",
    default=[],
    default_words="none",
    meaning="Names of classifiers, separated by commas, whose jobs are left to workers of the "
    "queue `classify.gpu`; all others are done by those of `classify.cpu`.",
)
EARMARK_SLICE_SECONDS = env.read_number(
    "EARMARK_SLICE_SECONDS",
    default=30,
    meaning="A Celery worker takes no new work after so many seconds, finishes what it has begun "
    "and lets the next message in.",
)
EARMARK_TICK_SECONDS = env.read_number(
    "EARMARK_TICK_SECONDS",
    default=5,
    meaning="How often the clock looks for expired leases, due scans and idle queues.",
)
EARMARK_WRITES_PER_VOLUME = env.read_number(
    "EARMARK_WRITES_PER_VOLUME",
    default=4,
    meaning="Files written at once on one volume, by all Celery workers together.",
)
EARMARK_WORKER_PROCESSES = env.read_number(
    "EARMARK_WORKER_PROCESSES",
    default=0,
    meaning="Processor cores a Celery worker classifies with; 0 is all of them. On a device: "
    "threads that decode for it.",
)
CELERY = queues.settings(broker_url=EARMARK_BROKER_URL, data_dir=DATA_DIR)
EARMARK_UPLOAD_MAX_MB = env.read_number(
    "EARMARK_UPLOAD_MAX_MB",
    default=100,
    meaning="Megabytes of a sound sent to be classified; no form with a file may be larger.",
)
EARMARK_UPLOAD_MAX_SECONDS = env.read_number(
    "EARMARK_UPLOAD_MAX_SECONDS",
    default=600,
    meaning="Seconds of a sound sent to be classified, counted while it is decoded.",
)
EARMARK_UPLOAD_RECEIVE_SECONDS = env.read_number(
    "EARMARK_UPLOAD_RECEIVE_SECONDS",
    default=120,
    meaning="Seconds within which a request has to have come in.",
)
EARMARK_UPLOAD_WAIT_SECONDS = env.read_number(
    "EARMARK_UPLOAD_WAIT_SECONDS",
    default=30,
    meaning="Seconds for which who sends a sound waits for the answer; after that it is to be "
    "asked for.",
)
EARMARK_UPLOAD_KEEP_SECONDS = env.read_number(
    "EARMARK_UPLOAD_KEEP_SECONDS",
    default=3600,
    meaning="Seconds for which the answer to a sent sound is kept; a sound nobody has listened to "
    "by then is deleted.",
)
EARMARK_UPLOAD_QUEUE = env.read_number(
    "EARMARK_UPLOAD_QUEUE",
    default=64,
    meaning="Sent sounds that may wait at once; further ones are refused for the moment.",
)
EARMARK_CACHE_MB = env.read_number(
    "EARMARK_CACHE_MB",
    default=512,
    meaning="Megabytes of waveforms and spectrograms that are kept; those not looked at for "
    "longest go first.",
)
EARMARK_UNDO_KEEP_DAYS = env.read_number(
    "EARMARK_UNDO_KEEP_DAYS",
    default=365,
    meaning="Days for which `metadata undo` can take back a write of `metadata write`; 0 keeps the "
    "records for ever. Writes of `tag` are in the database and stay.",
)
EARMARK_UCS_CREATOR = env.declare(
    "EARMARK_UCS_CREATOR",
    default="none",
    meaning="CreatorID that `ucs rename` gives names without one.",
)
EARMARK_UCS_SOURCE = env.declare(
    "EARMARK_UCS_SOURCE",
    default="none",
    meaning="SourceID that `ucs rename` gives names without one.",
)
EARMARK_WEBHOOK_ALLOW_PRIVATE = env.read_words(
    "EARMARK_WEBHOOK_ALLOW_PRIVATE",
    default=[],
    default_words="none",
    meaning="Ranges of addresses, separated by commas, that webhooks may lead to although they are "
    "not public, such as `10.1.0.0/16`.",
)

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "earmark.core",
    "earmark.accounts",
    "earmark.library",
    "earmark.classifiers",
    "earmark.jobs",
    "earmark.tagging",
    "earmark.writeback",
    "earmark.review",
    "earmark.search",
    "earmark.webhooks",
    "earmark.exchange",
    "earmark.uploads",
    "earmark_workers",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "earmark.core.security.SecurityHeadersMiddleware",
    "earmark.core.static.StaticFilesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "earmark.accounts.origin.OriginMiddleware",
    "axes.middleware.AxesMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
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

ROOT_URLCONF = "earmark.urls"
ASGI_APPLICATION = "earmark.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"

LOGGING_CONFIG = "earmark.settings.logs.configure"
LOGGING = logs.settings(
    level=env.read_text(
        "EARMARK_LOG_LEVEL",
        default="WARNING",
        meaning="Least severe log messages to show: DEBUG, INFO, WARNING or ERROR.",
    ),
    as_json=env.read_flag(
        "EARMARK_LOG_JSON",
        default=False,
        meaning="Write each log message as one JSON object, for log collectors.",
    ),
)
