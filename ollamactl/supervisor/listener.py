"""The socket that the web server listens on. The supervisor opens and keeps it, so that the port
is checked at once and visitors wait, rather than being refused, while the web server restarts."""

import errno
import socket

from ollamactl.supervisor.problems import StartError

BACKLOG = 1024
CHOOSE_ANOTHER = "choose another address with --bind or OLLAMACTL_BIND"


def open_listener(host: str, port: int) -> socket.socket:
    """Listen on `host` and `port`. Raises `StartError` saying why that cannot be."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise StartError(
            f"'{host}' is not an address of this machine; {CHOOSE_ANOTHER}."
        ) from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise StartError(_bind_problem(host, port, error)) from error
    return listener


def _bind_problem(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} of {host} is taken by another program. Stop it, or {CHOOSE_ANOTHER}."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"'{host}' is not an address of this machine; {CHOOSE_ANOTHER}."
    if error.errno in (errno.EACCES, errno.EPERM):
        return (
            f"Port {port} is not open to this user: ports below 1024 belong to root. "
            f"Please {CHOOSE_ANOTHER}."
        )
    return f"Port {port} of {host} cannot be used: {error.strerror}. Please {CHOOSE_ANOTHER}."
