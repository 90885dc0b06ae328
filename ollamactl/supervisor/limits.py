"""What the operating system lets the panel's processes do."""

import contextlib
import resource

# A thousand browsers, the connections to two thousand servers, and what else a process opens.
FILES = 65_536


def allow_many_files() -> None:
    """Raise this process's limit of open files, which its children inherit, as far as it may go.

    A login's usual limit of 1024 is for programs that wait by `select`, and none here does.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
