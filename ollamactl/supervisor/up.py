"""`ollamactl up`: the whole panel in the foreground."""

import asyncio
import contextlib
import os

from ollamactl.settings.env import Config
from ollamactl.supervisor.home import prepare_home
from ollamactl.supervisor.leftovers import end_leftovers, forget_running, note_running
from ollamactl.supervisor.limits import allow_many_files
from ollamactl.supervisor.listener import open_listener
from ollamactl.supervisor.lock import hold_home
from ollamactl.supervisor.log_sink import LogSink
from ollamactl.supervisor.supervisor import Supervisor


def run_up(config: Config, *, demo: bool = False) -> None:
    """Run the panel until SIGTERM or Ctrl-C. Raises `StartError` where it cannot start."""
    # For the processes too: the database holds sessions and hashes of passwords, and a home that
    # somebody has made beforehand may be open to others.
    os.umask(0o077)
    allow_many_files()
    prepare_home(config)
    with hold_home(config.home, config.base_url):
        left = end_leftovers(config.run_dir, config.home)
        with contextlib.closing(open_listener(config.bind_host, config.bind_port)) as listener:
            note_running(config.run_dir)
            log = LogSink(config.logs_dir, config.log_format)
            try:
                if left:
                    log.say(f"ended {left} processes that an earlier panel had left", "warning")
                asyncio.run(Supervisor(config, log, listener, demo=demo).run())
            finally:
                log.close()
                forget_running(config.run_dir)
