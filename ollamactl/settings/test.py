"""Settings of the test suite: the production ones over a home folder that is thrown away."""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import tempfile

if "OLLAMACTL_TEST_HOME" not in os.environ:
    # Short, so that a unix socket below it stays under the kernel's limit.
    os.environ["OLLAMACTL_TEST_HOME"] = tempfile.mkdtemp(prefix="octl-")
    atexit.register(shutil.rmtree, os.environ["OLLAMACTL_TEST_HOME"], ignore_errors=True)
_worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
os.environ["OLLAMACTL_HOME"] = os.path.join(os.environ["OLLAMACTL_TEST_HOME"], _worker)  # noqa: PTH118
os.makedirs(os.environ["OLLAMACTL_HOME"], exist_ok=True)  # noqa: PTH103

_own_redis = (
    os.environ.get("OLLAMACTL_TEST_BROKER") == "redis" and "OLLAMACTL_VALKEY_URL" not in os.environ
)
if _own_redis:  # one for each test process; the processes that it starts are told the URL
    with socket.create_server(("127.0.0.1", 0)) as _probe:
        _port = _probe.getsockname()[1]
    os.environ["OLLAMACTL_VALKEY_URL"] = f"redis://:suite@127.0.0.1:{_port}/1"

from ollamactl.settings.base import *  # noqa: E402, F403

if _own_redis:
    del os.environ["OLLAMACTL_VALKEY_URL"]

ALLOWED_HOSTS = ["*"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# A database on disk: threads and worker processes of the tests share it.
if DATABASES["default"]["ENGINE"].endswith("sqlite"):  # noqa: F405
    DATABASES["default"]["TEST"] = {"NAME": str(HOME / "test.sqlite3")}  # noqa: F405
# A registry and servers on loopback stand in for the outside.
REGISTRIES = [*REGISTRIES, "localhost", "127.0.0.1"]  # noqa: F405
REST_FRAMEWORK = {**REST_FRAMEWORK, "TEST_REQUEST_DEFAULT_FORMAT": "json"}  # noqa: F405
AXES_ENABLED = False
# Every test client loads the middleware: let it not list all static files each time.
WHITENOISE_AUTOREFRESH = True
