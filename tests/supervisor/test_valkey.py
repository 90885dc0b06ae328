"""The embedded Valkey: starts on its socket, and comes back after its data was damaged."""

import asyncio
import io
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from ollamactl.settings.env import Config
from ollamactl.supervisor.environment import child_environment
from ollamactl.supervisor.guard import Guard
from ollamactl.supervisor.home import prepare_home
from ollamactl.supervisor.log_sink import FILE_NAME, LogSink
from ollamactl.supervisor.process import ManagedProcess
from ollamactl.supervisor.stack import valkey_spec
from ollamactl.supervisor.valkey import bundled_valkey, find_valkey, valkey_answers

MakeConfig = Callable[..., Config]


@asynccontextmanager
async def valkey(config: Config) -> AsyncIterator[ManagedProcess]:
    environment = child_environment(config, os.environ)
    log, guard = LogSink(config.logs_dir, "console", io.StringIO()), Guard(environment)
    process = ManagedProcess(valkey_spec(config, environment), log, guard)
    run = asyncio.create_task(process.run())
    try:
        async with asyncio.timeout(20):
            while not valkey_answers(config.valkey_socket):
                await asyncio.sleep(0.01)
        yield process
    finally:
        process.stop()
        await asyncio.wait_for(run, 10)
        guard.close()
        log.close()


def test_wheel_brings_the_server() -> None:
    assert bundled_valkey() == find_valkey()


async def test_socket_is_private_and_gone_at_the_end(make_config: MakeConfig) -> None:
    config = make_config()
    prepare_home(config)
    async with valkey(config):
        assert config.valkey_socket.stat().st_mode & 0o777 == 0o700
    assert not valkey_answers(config.valkey_socket)


async def test_long_home_gets_a_short_socket(make_config: MakeConfig, home: Path) -> None:
    config = make_config(OLLAMACTL_HOME=str(home / ("long" * 40)))
    prepare_home(config)
    assert len(os.fsencode(config.valkey_socket)) < 107
    async with valkey(config) as process:
        assert process.failures == 0
    config.run_dir.rmdir()


async def test_damaged_data_is_set_aside(make_config: MakeConfig) -> None:
    config = make_config()
    prepare_home(config)
    async with valkey(config):
        pass
    for part in (config.home / "valkey" / "appendonlydir").iterdir():
        part.write_bytes(b"damaged" * 10)
    async with valkey(config) as process:
        assert process.failures == 2
    assert "set aside" in (config.logs_dir / FILE_NAME).read_text()
    assert list(config.home.glob("valkey-damaged-*"))
