"""Runs a command, such as the suite, on a PostgreSQL of its own and with Redis as the broker.

    python -m tests.components.outside python -m pytest tests/tasks

Each process of the suite starts its own Redis, since tests kill and empty it.
"""

import os
import subprocess
import sys

from tests.components.inventory import POSTGRESQL, REDIS
from tests.components.postgresql import PostgresqlProcess

BROKER = "OLLAMACTL_TEST_BROKER"


def run(command: list[str]) -> int:
    """Run the command to its end; returns its exit status."""
    POSTGRESQL.locate()
    REDIS.locate()
    with PostgresqlProcess() as server:
        environment = {
            **os.environ,
            "OLLAMACTL_DATABASE_URL": server.new_database("suite"),
            BROKER: "redis",
        }
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
