"""The home folder: made when it is missing, and checked before anything starts in it."""

import errno
import os
import shutil
import tempfile
from pathlib import Path

from ollamactl.cli.text import gettext as _
from ollamactl.settings.env import Config
from ollamactl.supervisor.problems import StartError

CHOOSE_ANOTHER = _("Choose another folder with --home or OLLAMACTL_HOME.")
# Room for the database's and Valkey's journals; below it the first writes fail half-way.
MINIMUM_FREE = 20_000_000
PROBE = b"\0" * 65536


def prepare_home(config: Config) -> None:
    """Make the home's folders, private to their owner. Raises `StartError`."""
    try:
        config.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        config.logs_dir.mkdir(exist_ok=True, mode=0o700)
        config.run_dir.mkdir(exist_ok=True, mode=0o700)
    except (FileExistsError, NotADirectoryError) as error:
        sentence = _("%(path)s is not a folder.") % {"path": error.filename}
        raise StartError(f"{sentence} {CHOOSE_ANOTHER}") from error
    except OSError as error:
        raise StartError(_write_problem(config.home, error)) from error
    _check_owner(config.run_dir)
    check_writable(config.home)


def check_writable(home: Path, minimum_free: int = MINIMUM_FREE) -> None:
    """Write a file for real. Raises `StartError` where the folder is read-only or full."""
    try:
        with tempfile.NamedTemporaryFile(dir=home, prefix=".write-test-") as probe:
            probe.write(PROBE)
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        raise StartError(_write_problem(home, error)) from error
    free = shutil.disk_usage(home).free
    if free < minimum_free:
        raise StartError(_full(home, free))


def _write_problem(home: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _full(home, shutil.disk_usage(_existing(home)).free)
    sentence = _("The folder %(path)s cannot be written: %(reason)s.")
    return f"{sentence % {'path': home, 'reason': error.strerror}} {CHOOSE_ANOTHER}"


def _full(home: Path, free: int) -> str:
    sentence = _(
        "The disk of %(path)s is full: %(free)d MB are free and %(needed)d MB are needed. "
        "Free some space."
    )
    values = {"path": home, "free": free // 10**6, "needed": MINIMUM_FREE // 10**6}
    return f"{sentence % values} {CHOOSE_ANOTHER}"


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _check_owner(folder: Path) -> None:
    # The folder of the sockets may be in the shared temporary folder, where another user could
    # have made it first.
    status = folder.lstat()
    if status.st_uid != os.getuid() or folder.is_symlink():
        sentence = _("%(path)s belongs to another user.") % {"path": folder}
        raise StartError(f"{sentence} {CHOOSE_ANOTHER}")
