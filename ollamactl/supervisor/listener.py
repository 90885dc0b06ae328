"""The socket that the web server listens on. The supervisor opens and keeps it, so that the port
is checked at once and visitors wait, rather than being refused, while the web server restarts."""

import errno
import socket

from ollamactl.cli.text import gettext as _
from ollamactl.supervisor.problems import StartError

BACKLOG = 1024
CHOOSE_ANOTHER = _("Choose another address with --bind or OLLAMACTL_BIND.")


def open_listener(host: str, port: int) -> socket.socket:
    """Listen on `host` and `port`. Raises `StartError` saying why that cannot be."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise StartError(_not_here(host)) from error
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
    values = {"host": host, "port": port, "reason": error.strerror}
    if error.errno == errno.EADDRNOTAVAIL:
        return _not_here(host)
    if error.errno == errno.EADDRINUSE:
        sentence = _("Port %(port)d of %(host)s is taken by another program.")
    elif error.errno in (errno.EACCES, errno.EPERM):
        sentence = _("Port %(port)d is not open to this user: ports below 1024 belong to root.")
    else:
        sentence = _("Port %(port)d of %(host)s cannot be used: %(reason)s.")
    return f"{sentence % values} {CHOOSE_ANOTHER}"


def _not_here(host: str) -> str:
    sentence = _("“%(host)s” is not an address of this machine.") % {"host": host}
    return f"{sentence} {CHOOSE_ANOTHER}"
