"""Settings come from the environment; a bad value is one line that names it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ollamactl.settings.env import Config, ConfigurationError, parse_ollama_host

BAD = {
    "OLLAMACTL_HOME": ["relative/folder", "~nobody-of-that-name/x"],
    "OLLAMACTL_BIND": ["127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:²", ":http"],
    "OLLAMACTL_PUBLIC_URL": [
        *("panel.example.com", "ftp://panel.example.com", "https://user:secret@panel.example.com"),
        *("https://panel.example.com/below", "https://panel.example.com?x=1"),
        *("https://panel.example.com:99999", "https://[::1"),
    ],
    "OLLAMACTL_ALLOWED_HOSTS": ["https://panel.example.com", "a.example.com, b.example.com/x"],
    "OLLAMACTL_TRUSTED_PROXIES": ["proxy", "10.0.0.1, 10.0.0.256", "10.0.0.0/33"],
    "OLLAMACTL_SECRET_KEY_FILE": ["/no/such/file", "/dev/null", sys.executable],
    "OLLAMACTL_VALKEY_URL": ["http://127.0.0.1:6379"],
    "OLLAMACTL_OLLAMA_URL": ["127.0.0.1:11434", "http://"],
    "OLLAMACTL_LOG_FORMAT": ["xml"],
    "OLLAMACTL_LANGUAGE": ["fr"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in BAD.items() for value in values]
)
def test_bad_value_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError) as problem:
        Config.from_environ({name: value})
    assert problem.value.name == name
    assert str(problem.value).startswith(f"{name}: ")
    assert "\n" not in str(problem.value)


def test_values_are_read() -> None:
    config = Config.from_environ(
        {
            "OLLAMACTL_HOME": "/srv/panel",
            "OLLAMACTL_BIND": "[::1]:9000",
            "OLLAMACTL_PUBLIC_URL": "https://panel.example.com/",
            "OLLAMACTL_ALLOWED_HOSTS": "a.example.com, .example.org,[fd00::1]",
            "OLLAMACTL_TRUSTED_PROXIES": "10.0.0.5, fd00::/8",
        }
    )
    assert config.home == Path("/srv/panel")
    assert (config.bind_host, config.bind_port) == ("::1", 9000)
    assert config.public_url == config.base_url == "https://panel.example.com"
    assert config.allowed_hosts == ("a.example.com", ".example.org", "[fd00::1]")
    assert config.trusted_proxies == ("10.0.0.5", "fd00::/8")


@pytest.mark.parametrize(
    ("bind", "on_loopback", "own"),
    [
        ("127.0.0.1:1", True, ()),
        ("127.8.8.8:1", True, ("127.8.8.8",)),
        ("[::1]:1", True, ()),
        ("localhost:1", True, ()),
        ("0.0.0.0:1", False, ()),
        ("[::]:1", False, ()),
        ("192.168.1.5:1", False, ("192.168.1.5",)),
        ("[fd00::5]:1", False, ("[fd00::5]",)),
        ("panel.example.com:1", False, ("panel.example.com",)),
    ],
)
def test_bound_address_is_a_host_of_its_own(
    bind: str, on_loopback: bool, own: tuple[str, ...]
) -> None:
    config = Config.from_environ({"OLLAMACTL_BIND": bind})
    assert config.is_on_loopback is on_loopback
    assert config.own_hosts == ("localhost", "127.0.0.1", "[::1]", *own)


def test_public_and_allowed_hosts_are_added() -> None:
    config = Config.from_environ(
        {"OLLAMACTL_PUBLIC_URL": "https://[fd00::7]:8443", "OLLAMACTL_ALLOWED_HOSTS": "a.example"}
    )
    assert config.own_hosts[3:] == ("a.example", "[fd00::7]")


def test_secret_key_comes_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a long secret\n")
    config = Config.from_environ({"OLLAMACTL_SECRET_KEY_FILE": str(tmp_path / "key")})
    assert config.signing_key() == "a long secret"


def test_secret_key_is_made_once_and_private(tmp_path: Path) -> None:
    config = Config.from_environ({"OLLAMACTL_HOME": str(tmp_path)})
    key = config.signing_key()
    assert len(key) >= 50
    assert config.signing_key() == key
    assert (tmp_path / "keys" / "secret-key").stat().st_mode & 0o777 == 0o600


# https://github.com/ollama/ollama/blob/v0.24.0/envconfig/config_test.go
@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("", "http://127.0.0.1:11434"),
        ("1.2.3.4", "http://1.2.3.4:11434"),
        (":1234", "http://127.0.0.1:1234"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("[::1]:1337", "http://[::1]:1337"),
        ("https://1.2.3.4", "https://1.2.3.4:443"),
        ("http://1.2.3.4", "http://1.2.3.4:80"),
        ("1.2.3.4:66000", "http://1.2.3.4:11434"),
        ("1.2.3.4:²", "http://1.2.3.4:11434"),
        ('"1.2.3.4"', "http://1.2.3.4:11434"),
    ],
)
def test_ollama_host_is_read_as_ollama_reads_it(written: str, meant: str) -> None:
    assert parse_ollama_host(written) == meant


def test_start_ends_with_the_one_line() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "ollamactl", "up"],
        env={**os.environ, "OLLAMACTL_LANGUAGE": "en", "OLLAMACTL_TRUSTED_PROXIES": "proxy"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert ended.returncode == 1
    assert ended.stderr == (
        "ollamactl: OLLAMACTL_TRUSTED_PROXIES: 'proxy' is not an address such as 10.0.0.5 or "
        "10.0.0.0/24\n"
    )
