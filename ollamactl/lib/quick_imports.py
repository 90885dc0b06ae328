"""Loading a process's modules in two thirds of the time (`make bench BENCH_ARGS=start`)."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Libraries load these where they are installed, for features that the panel does not have: Django
# REST framework its HTML browser and its own test clients, Unfold its fields of PostgreSQL.
LEFT_OUT = ("pygments", "requests")
ON_POSTGRESQL_ALONE = ("psycopg",)


@contextmanager
def quick_imports(*, postgresql: bool) -> Iterator[None]:
    """Within it what libraries would like to have and do not need is not there. Afterwards it is.

    Garbage is not collected meanwhile: modules stay, and looking through them again and again is a
    tenth of the time. They are kept out of later looks, too.
    """
    names = LEFT_OUT if postgresql else (*LEFT_OUT, *ON_POSTGRESQL_ALONE)
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]
    gc.disable()
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
        gc.enable()
        gc.freeze()
