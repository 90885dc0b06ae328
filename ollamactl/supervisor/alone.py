"""One process of the panel by itself, for panels that are spread over several machines."""

import asyncio
import os
import subprocess
import sys
from typing import NoReturn

from ollamactl.settings.env import Config
from ollamactl.supervisor.bootstrap import CHECK, reason_of
from ollamactl.supervisor.environment import PROJECT, child_environment
from ollamactl.supervisor.home import prepare_home
from ollamactl.supervisor.limits import allow_many_files
from ollamactl.supervisor.outside import wait_for_outside
from ollamactl.supervisor.problems import StartError
from ollamactl.supervisor.process import ProcessSpec
from ollamactl.supervisor.stack import host_worker_spec, web_spec, worker_spec


def run_web(config: Config) -> NoReturn:
    """Become a web process. Raises `StartError` where it cannot start."""
    environment = _prepare(config)
    _bootstrap(environment, CHECK)
    _become(web_spec(config, environment, None))


def run_worker(config: Config) -> NoReturn:
    """Become a worker. Raises `StartError` where it cannot start."""
    environment = _prepare(config)
    _bootstrap(environment, CHECK)
    _become(worker_spec(environment))


def run_host_worker(config: Config, server: str) -> NoReturn:
    """Become the worker on a server's host. Raises `StartError` where it cannot start."""
    environment = _prepare(config)
    _bootstrap(environment, CHECK)
    _become(host_worker_spec(environment, server))


def prepare_panel(config: Config) -> str:
    """Make or upgrade the database, and the first administrator; returns what was done.

    Raises `StartError` where that cannot be.
    """
    return _bootstrap(_prepare(config))


def _prepare(config: Config) -> dict[str, str]:
    os.umask(0o077)
    allow_many_files()
    prepare_home(config)
    asyncio.run(wait_for_outside(config))
    return {**child_environment(config, os.environ), "OLLAMACTL_LOG_FORMAT": config.log_format}


def _bootstrap(environment: dict[str, str], *options: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "django", "bootstrap", "--no-color", *options],
        env=environment,
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).splitlines()
        raise StartError(reason_of([line for line in lines if line.strip()]))
    return done.stdout


def _become(spec: ProcessSpec) -> NoReturn:
    os.chdir(spec.folder)
    os.execve(spec.command[0], spec.command, dict(spec.environment))  # noqa: S606 - no shell
