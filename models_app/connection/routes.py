"""By which URL a server is reached from each place. Nobody is asked here."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from models_app.connection.machine import Machine, is_loopback
from models_app.connection.situations import Place

# The names under which a container reaches the machine that it runs on.
DOCKER_HOST = "host.docker.internal"
HOST_NAMES = (DOCKER_HOST, "host.containers.internal")


@dataclass(frozen=True)
class Route:
    """A URL for a place. `asked`: the URL by which the panel itself can try it out; empty where it
    cannot."""

    url: str
    asked: str = ""


def routes_to(base_url: str, machine: Machine) -> dict[Place, tuple[Route, ...]]:
    """The ways to a server from each place, the likeliest first; never none of a place but of the
    local network, where the panel's machine has no address there."""
    host = urlsplit(base_url).hostname or ""
    same = (Route(base_url, base_url),)
    if is_loopback(host):
        return {
            Place.THIS_MACHINE: same,
            Place.LOCAL_NETWORK: _at(base_url, machine.addresses),
            Place.CONTAINER: (_from_container(base_url, machine),),
        }
    if host in HOST_NAMES:  # the panel itself is in a container
        return {
            Place.THIS_MACHINE: (Route(with_host(base_url, "127.0.0.1")),),
            Place.LOCAL_NETWORK: _at(base_url, machine.addresses[:1]),
            Place.CONTAINER: same,
        }
    return dict.fromkeys(Place, same)


def with_host(url: str, host: str) -> str:
    """The URL with another host; port and path stay."""
    parts = urlsplit(url)
    shown = f"[{host}]" if ":" in host and not host.startswith("[") else host
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit(parts._replace(netloc=f"{shown}{port}"))


def _at(base_url: str, hosts: tuple[str, ...]) -> tuple[Route, ...]:
    urls = [with_host(base_url, host) for host in hosts]
    return tuple(Route(url, url) for url in urls)


def _from_container(base_url: str, machine: Machine) -> Route:
    asked = with_host(base_url, machine.bridge) if machine.bridge else ""
    return Route(with_host(base_url, DOCKER_HOST), asked)
