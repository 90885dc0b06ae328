"""Writers of one SQLite file take turns, over the bounds of threads and processes."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction

from ollamactl.lib.connections import close_connections
from ollamactl.lib.sqlite.turn import Turn
from ollamactl.lib.turns import writing_turn

sqlite = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="SQLite has one writer")

HOLDER = """
import sys
from pathlib import Path
from ollamactl.lib.sqlite.turn import Turn
turn = Turn(Path(sys.argv[1]), 20)
assert turn.take()
print("taken", flush=True)
sys.stdin.readline()
turn.leave()
for _ in range(int(sys.argv[2])):  # and again at once, as often as it may
    assert turn.take()
    turn.leave()
print("left", flush=True)
sys.stdin.readline()
"""


@contextmanager
def another_process(path: Path, again: int = 0) -> Iterator[subprocess.Popen[str]]:
    """A process that has the turn until it is sent a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), str(again)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "taken\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def send_line(process: subprocess.Popen[str]) -> None:
    """Let it go on."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_another_process_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "database"
    came = threading.Event()
    turn = Turn(path, 20)

    def write() -> None:
        assert turn.take()
        came.set()
        turn.leave()

    with another_process(path, again=10_000) as process:
        writer = threading.Thread(target=write)
        writer.start()
        assert not came.wait(0.1)
        send_line(process)
        # However often the other one wants it again, who waits is next.
        writer.join(20)
        assert came.is_set()


def test_waiting_has_an_end(tmp_path: Path) -> None:
    path = tmp_path / "database"
    with another_process(path):
        turn = Turn(path, 0.05)
        assert not turn.take()
        assert not turn.take()  # the first try has left nothing behind


def test_a_killed_process_keeps_nothing(tmp_path: Path) -> None:
    path = tmp_path / "database"
    with another_process(path) as process:
        process.kill()
        process.wait()
        turn = Turn(path, 0.0)
        assert turn.take()
        turn.leave()


def test_threads_take_turns_where_the_folder_takes_no_file(tmp_path: Path) -> None:
    turn = Turn(tmp_path / "no such folder" / "database", 0.0)
    assert turn.take()
    assert not turn.take()
    turn.leave()
    assert turn.take()
    turn.leave()


@sqlite
@pytest.mark.django_db(transaction=True)
class TestConnections:
    @pytest.fixture(autouse=True)
    def quick(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(self.turn(), "_seconds", 0.0)

    def turn(self) -> Turn:
        """That of this database."""
        turn = connection._turn()  # type: ignore[attr-defined]
        assert isinstance(turn, Turn)
        return turn

    def is_free(self) -> bool:
        """Whether somebody else could write now."""
        if not self.turn().take():
            return False
        self.turn().leave()
        return True

    def test_a_transaction_has_the_turn_to_its_end(self) -> None:
        with transaction.atomic():
            assert not self.is_free()
            User.objects.create(username="anna")
            with transaction.atomic():
                assert not self.is_free()
            assert not self.is_free()
        assert self.is_free()

    def test_so_has_one_that_is_rolled_back(self) -> None:
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            raise ZeroDivisionError
        assert self.is_free()

    def test_a_statement_alone_has_it_for_as_long_as_it_takes(self) -> None:
        assert self.turn().take()
        User.objects.update(first_name="Anna")  # in vain waited for: SQLite's own lock has to do
        self.turn().leave()
        User.objects.update(first_name="Anna")
        assert self.is_free()

    def test_what_is_seen_in_a_turn_is_still_so_when_it_is_written(self) -> None:
        with writing_turn():
            assert not self.is_free()
            with writing_turn(), transaction.atomic():
                User.objects.create(username="anna")
            assert not self.is_free()
            User.objects.update(first_name="Anna")
            assert not self.is_free()
        assert self.is_free()

    def test_a_transaction_that_does_not_begin_leaves_it(self) -> None:
        connection.cursor().execute("PRAGMA busy_timeout = 0")
        blocked, go_on = threading.Event(), threading.Event()

        def block() -> None:
            with connection.cursor() as cursor:
                cursor.connection.execute("BEGIN IMMEDIATE")
                blocked.set()
                go_on.wait(20)
                cursor.connection.execute("ROLLBACK")
            close_connections()

        thread = threading.Thread(target=block)
        thread.start()
        try:
            assert blocked.wait(20)
            with pytest.raises(OperationalError), transaction.atomic():
                pass
            assert self.is_free()
        finally:
            go_on.set()
            thread.join(20)
            connection.close()

    def test_a_connection_that_is_closed_leaves_it(self) -> None:
        with transaction.atomic():
            connection.close()
        assert self.is_free()
