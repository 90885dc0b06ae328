"""Settings of the test suite: the production ones over a home folder that is thrown away."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

if "OLLAMACTL_TEST_HOME" not in os.environ:
    # Short, so that a unix socket below it stays under the kernel's limit.
    os.environ["OLLAMACTL_TEST_HOME"] = tempfile.mkdtemp(prefix="octl-")
    atexit.register(shutil.rmtree, os.environ["OLLAMACTL_TEST_HOME"], ignore_errors=True)
_worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
os.environ["OLLAMACTL_HOME"] = os.path.join(os.environ["OLLAMACTL_TEST_HOME"], _worker)  # noqa: PTH118
os.makedirs(os.environ["OLLAMACTL_HOME"], exist_ok=True)  # noqa: PTH103

from ollamactl.settings.base import *  # noqa: E402, F403

ALLOWED_HOSTS = ["*"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# A database on disk: threads and worker processes of the tests share it.
DATABASES["default"]["TEST"] = {"NAME": str(HOME / "test.sqlite3")}  # noqa: F405
# A registry and servers on loopback stand in for the outside.
REGISTRIES = [*REGISTRIES, "localhost", "127.0.0.1"]  # noqa: F405
AXES_ENABLED = False
# Every test client loads the middleware: let it not list all static files each time.
WHITENOISE_AUTOREFRESH = True
