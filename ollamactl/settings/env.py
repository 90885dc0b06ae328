"""The environment, read and checked in one place.

Imports no Django: the supervisor and `ollamactl doctor` read the same values before Django starts.
A bad value raises `ConfigurationError`, whose text is the one line that a person sees.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, urlsplit

from ollamactl.cli.text import gettext
from ollamactl.settings.retention import Retention

DEFAULT_BIND = "127.0.0.1:8800"
DEFAULT_HOME = "~/.local/share/ollamactl"
DEFAULT_OLLAMA_PORT = 11434
LANGUAGES = ("en", "zh-hans")
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
LOG_FORMATS = ("console", "json")
METRICS = ("token", "loopback")
MOST_WORKERS = 64
POSTGRESQL_EXAMPLE = "postgresql://user:password@host:5432/database"
SSL_OPTIONS = frozenset(
    f"ssl_{name}" for name in ("ca_certs", "cert_reqs", "certfile", "keyfile", "check_hostname")
)
VALKEY_OPTIONS = {"redis": frozenset[str](), "rediss": SSL_OPTIONS, "unix": frozenset({"db"})}
# A unix socket's path is bounded by the kernel's sockaddr_un (108 bytes with the final NUL).
MAX_SOCKET_PATH = 106


class ConfigurationError(Exception):
    """One environment variable cannot be used; the text names it and says what would work."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name


@dataclass(frozen=True)
class Config:
    """What the environment asks for, parsed."""

    home: Path
    bind_host: str
    bind_port: int
    public_url: str
    allowed_hosts: tuple[str, ...]
    trusted_proxies: tuple[str, ...]
    secret_key: str
    database_url: str
    valkey_url: str
    ollama_url: str
    ollama_models: str
    registries: tuple[str, ...]
    insecure_registries: tuple[str, ...]
    log_format: str
    language: str
    retention: Retention
    backups_kept: int
    metrics: str
    sync_hours: int
    updates_hours: int
    workers: int
    host_of: str

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Config:
        """Parse `OLLAMACTL_*` (and `OLLAMA_HOST`); raise at the first bad one."""
        home = _home(environ)
        host, port = parse_bind(environ.get("OLLAMACTL_BIND") or DEFAULT_BIND)
        return cls(
            home=home,
            bind_host=host,
            bind_port=port,
            public_url=_origin(environ, "OLLAMACTL_PUBLIC_URL"),
            allowed_hosts=_hosts(environ, "OLLAMACTL_ALLOWED_HOSTS"),
            trusted_proxies=_networks(environ, "OLLAMACTL_TRUSTED_PROXIES"),
            secret_key=_secret(environ, "OLLAMACTL_SECRET_KEY"),
            database_url=_database(environ),
            valkey_url=_valkey(environ),
            ollama_url=_ollama_url(environ),
            ollama_models=environ.get("OLLAMA_MODELS", ""),
            registries=_list(environ, "OLLAMACTL_REGISTRIES"),
            insecure_registries=_list(environ, "OLLAMACTL_INSECURE_REGISTRIES"),
            log_format=_choice(environ, "OLLAMACTL_LOG_FORMAT", LOG_FORMATS),
            language=_choice(environ, "OLLAMACTL_LANGUAGE", LANGUAGES),
            retention=Retention.from_environ(environ),
            backups_kept=_number(environ, "OLLAMACTL_KEEP_BACKUPS", 5, 1, 1000),
            metrics=_choice(environ, "OLLAMACTL_METRICS", METRICS),
            sync_hours=_number(environ, "OLLAMACTL_SYNC_HOURS", 24, 0, 8760),
            updates_hours=_number(environ, "OLLAMACTL_UPDATES_HOURS", 24, 0, 8760),
            workers=_number(environ, "OLLAMACTL_WORKERS", 1, 1, MOST_WORKERS),
            host_of=environ.get("OLLAMACTL_HOST_OF", "").strip(),
        )

    @property
    def logs_dir(self) -> Path:
        """Log files of processes and of tasks."""
        return self.home / "logs"

    @property
    def keys_dir(self) -> Path:
        """Secret keys, one a file, 0600."""
        return self.home / "keys"

    @property
    def run_dir(self) -> Path:
        """Sockets and pid files; a short folder elsewhere where the home's path is too long."""
        folder = self.home / "run"
        if len(os.fsencode(folder / "valkey.sock")) <= MAX_SOCKET_PATH:
            return folder
        mark = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"ollamactl-{os.getuid()}-{mark}"

    @property
    def valkey_socket(self) -> Path:
        """The unix socket of the embedded Valkey."""
        return self.run_dir / "valkey.sock"

    @property
    def base_url(self) -> str:
        """Where a person on this machine opens the panel."""
        if self.public_url:
            return self.public_url
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.bind_host, self.bind_host)  # noqa: S104 - compared, not bound
        return f"http://{_bracketed(host)}:{self.bind_port}"

    @property
    def is_on_loopback(self) -> bool:
        """Whether only this machine reaches the address that the panel listens on."""
        try:
            return ipaddress.ip_address(self.bind_host).is_loopback
        except ValueError:
            return self.bind_host == "localhost"

    @property
    def own_hosts(self) -> tuple[str, ...]:
        """The names that a request may give the panel, as its `Host` header writes them."""
        anywhere = self.bind_host in ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
        bound = () if anywhere else (_bracketed(self.bind_host),)
        public = urlsplit(self.public_url).hostname
        names = (
            *LOOPBACK_NAMES,
            *self.allowed_hosts,
            *bound,
            *((_bracketed(public),) if public else ()),
        )
        return tuple(dict.fromkeys(names))

    def signing_key(self) -> str:
        """The secret key: from the environment, else a random one made once in the home."""
        return self.secret_key or read_or_create_secret(self.keys_dir / "secret-key")


def read_or_create_secret(path: Path) -> str:
    """Return the secret in `path`; make it (random, 0600) when there is none. Safe in a race."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(48) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(temporary, path)  # fails where another process was first: then its key counts
    except FileExistsError:
        pass
    finally:
        Path(temporary).unlink()
    return path.read_text().strip()


def parse_bind(text: str, name: str = "OLLAMACTL_BIND") -> tuple[str, int]:
    """Split `host:port`, `[v6]:port`, `:port` or `port`."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if not _is_port(port) or int(port) == 0:
        message = gettext("'%(value)s' is not an address such as %(example)s")
        raise ConfigurationError(name, message % {"value": text, "example": DEFAULT_BIND})
    return host, int(port)


def _is_port(text: str) -> bool:
    # A superscript is a digit too, but no number.
    return text.isascii() and text.isdigit() and len(text) < 6 and int(text) < 65536


def _home(environ: Mapping[str, str]) -> Path:
    text = environ.get("OLLAMACTL_HOME") or DEFAULT_HOME
    try:
        home = Path(text).expanduser()
    except RuntimeError as error:
        message = gettext("'%(value)s' names the home of nobody here")
        raise ConfigurationError("OLLAMACTL_HOME", message % {"value": text}) from error
    if not home.is_absolute():
        message = gettext("'%(value)s' must be an absolute path")
        raise ConfigurationError("OLLAMACTL_HOME", message % {"value": home})
    return home


def _list(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in environ.get(name, "").split(",") if part.strip())


def _hosts(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    hosts = _list(environ, name)
    for host in hosts:
        if "/" in host or " " in host:
            message = gettext("'%(value)s' is not a host such as panel.example.com")
            raise ConfigurationError(name, message % {"value": host})
    return hosts


def _networks(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    networks = _list(environ, name)
    for network in networks:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError as error:
            message = gettext("'%(value)s' is not an address such as 10.0.0.5 or 10.0.0.0/24")
            raise ConfigurationError(name, message % {"value": network}) from error
    return networks


def _choice(environ: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    value = environ.get(name) or choices[0]
    if value not in choices:
        message = gettext("'%(value)s' is none of %(choices)s")
        raise ConfigurationError(name, message % {"value": value, "choices": ", ".join(choices)})
    return value


def _number(environ: Mapping[str, str], name: str, default: int, lowest: int, highest: int) -> int:
    value = environ.get(name) or str(default)
    if not (_is_port(value) and lowest <= int(value) <= highest):
        message = gettext("'%(value)s' is not a number from %(lowest)d to %(highest)d")
        values = {"value": value[:80], "lowest": lowest, "highest": highest}
        raise ConfigurationError(name, message % values)
    return int(value)


def _secret(environ: Mapping[str, str], name: str) -> str:
    path = environ.get(f"{name}_FILE")
    if not path:
        return environ.get(name, "")
    try:
        secret = Path(path).read_text().strip()
    except OSError as error:
        message = gettext("'%(value)s' cannot be read: %(reason)s")
        values = {"value": path, "reason": error.strerror}
        raise ConfigurationError(f"{name}_FILE", message % values) from error
    except ValueError as error:
        message = gettext("'%(value)s' holds no text")
        raise ConfigurationError(f"{name}_FILE", message % {"value": path}) from error
    if not secret:
        raise ConfigurationError(f"{name}_FILE", gettext("'%(value)s' is empty") % {"value": path})
    return secret


def _origin(environ: Mapping[str, str], name: str) -> str:
    """A URL that names a site and nothing below it."""
    value = _url(environ, name)
    if value and _split(value, name)[2:] != ("", "", ""):
        message = gettext("'%(value)s' has more than a scheme, a host and a port")
        raise ConfigurationError(name, message % {"value": value})
    return value


def _url(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "").rstrip("/")
    if not value:
        return ""
    parts = _split(value, name)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        message = gettext("'%(value)s' is not a URL such as %(example)s")
        values = {"value": value, "example": "https://panel.example.com"}
        raise ConfigurationError(name, message % values)
    return value


def _split(value: str, name: str) -> SplitResult:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError as error:
        message = gettext("'%(value)s' is not a URL: %(reason)s")
        raise ConfigurationError(name, message % {"value": value, "reason": error}) from error
    return parts


def _database(environ: Mapping[str, str]) -> str:
    """A URL of SQLite or PostgreSQL. What is wrong is said without it: it may hold a password."""
    name = "OLLAMACTL_DATABASE_URL"
    value = environ.get(name, "")
    if not value:
        return ""
    parts = _secret_split(value, name)
    if parts.scheme in ("postgres", "postgresql"):
        if len(parts.path) < 2 or parts.fragment or "," in parts.netloc:
            message = gettext("write %(example)s; %(characters)s in the password as %%XX")
            values = {"example": POSTGRESQL_EXAMPLE, "characters": "/ ? # @ :"}
            raise ConfigurationError(name, message % values)
    elif parts.scheme != "sqlite" or parts.netloc or not parts.path.startswith("//"):
        message = gettext("must be %(first)s or %(second)s")
        values = {"first": POSTGRESQL_EXAMPLE, "second": "sqlite:////path/to/file"}
        raise ConfigurationError(name, message % values)
    return value


def _valkey(environ: Mapping[str, str]) -> str:
    """A URL of Valkey or Redis; it may hold a password, too."""
    name = "OLLAMACTL_VALKEY_URL"
    value = environ.get(name, "")
    if not value:
        return ""
    parts = _secret_split(value, name)
    if parts.scheme not in VALKEY_OPTIONS:
        message = gettext("'%(value)s' must begin with redis://, rediss:// or unix://")
        raise ConfigurationError(name, message % {"value": value.partition("://")[0]})
    unknown = set(parse_qs(parts.query)) - VALKEY_OPTIONS[parts.scheme]
    database = parts.path.removeprefix("/") if parts.scheme != "unix" else ""
    if unknown or parts.fragment or (database and not _is_port(database)):
        message = gettext("'%(value)s' is not understood; write %(example)s")
        wrong = ", ".join(sorted(unknown)) or parts.fragment or database
        values = {"value": wrong, "example": "rediss://:password@host:6379/0?ssl_ca_certs=/file"}
        raise ConfigurationError(name, message % values)
    return value


def _secret_split(value: str, name: str) -> SplitResult:
    try:
        return _split(value, name)
    except ConfigurationError as error:
        message = gettext("cannot be read as a URL; write %(characters)s in the password as %%XX")
        raise ConfigurationError(name, message % {"characters": "/ ? # @ :"}) from error


def _ollama_url(environ: Mapping[str, str]) -> str:
    """`OLLAMACTL_OLLAMA_URL`, else `OLLAMA_HOST` as Ollama's own client reads it."""
    if environ.get("OLLAMACTL_OLLAMA_URL"):
        return _url(environ, "OLLAMACTL_OLLAMA_URL")
    return parse_ollama_host(environ.get("OLLAMA_HOST", ""))


def parse_ollama_host(text: str) -> str:
    """Read `OLLAMA_HOST` as Ollama does: scheme, host and port are each optional.

    Without a scheme the port defaults to 11434; with http or https to 80 or 443. An address to
    listen on ("0.0.0.0") is reached at loopback. A bad port falls back to the default.
    """
    value = text.strip().strip("\"'")
    scheme, separator, rest = value.partition("://")
    if not separator:
        scheme, rest = "http", value
    default = (
        {"http": 80, "https": 443}.get(scheme, DEFAULT_OLLAMA_PORT)
        if separator
        else DEFAULT_OLLAMA_PORT
    )
    rest = rest.split("/", 1)[0]
    host, port_text = _host_and_port(rest)
    port = int(port_text) if _is_port(port_text) else default
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"{scheme}://{_bracketed(host)}:{port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _host_and_port(text: str) -> tuple[str, str]:
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        return host, rest.removeprefix(":")
    if text.count(":") == 1:
        host, _, port = text.partition(":")
        return host, port
    return text, ""
