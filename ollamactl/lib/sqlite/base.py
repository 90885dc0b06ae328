"""The backend: each transaction, and each statement that writes outside of one, takes its turn."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3 import base

from ollamactl.lib.sqlite.turn import Turn

WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")

_lock = threading.Lock()
_turns: dict[tuple[int, str], Turn] = {}


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, with a turn to write that a connection holds until its transaction ends."""

    _has_turn = False
    _keeps_turn = False

    def create_cursor(self, name: str | None = None) -> Any:
        """One whose statements take the turn where they write."""
        return self.connection.cursor(factory=lambda connection: _Cursor(connection, self))

    def is_usable(self) -> bool:
        """Not one that had an error and is to be kept: the file is opened anew."""
        return False

    @contextmanager
    def writing_turn(self) -> Iterator[None]:
        """The turn alone, for who looks first and writes by what was seen: of many threads that
        look at the same time all but one would write in vain."""
        if self._has_turn:
            yield
            return
        self.take_turn()
        self._keeps_turn = True
        try:
            yield
        finally:
            self._keeps_turn = False
            self.leave_turn()

    def take_turn(self) -> None:
        """Wait until nobody else writes, for as long as SQLite would wait."""
        if not self._has_turn:
            self._has_turn = self._turn().take()

    def leave_turn(self) -> None:
        """Let others write, unless this connection goes on."""
        if self._has_turn and not self._keeps_turn:
            self._has_turn = False
            self._turn().leave()

    def _turn(self) -> Turn:
        name = str(self.settings_dict["NAME"])
        key = (os.getpid(), name)  # a forked process shares no lock
        if key not in _turns:
            with _lock:
                if key not in _turns:
                    seconds = float(self.settings_dict["OPTIONS"].get("timeout", 5))
                    _turns[key] = Turn(Path(name), seconds)
        return _turns[key]

    def _start_transaction_under_autocommit(self) -> None:
        self.take_turn()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # private
        except BaseException:
            self.leave_turn()
            raise

    def _commit(self) -> Any:
        try:
            return super()._commit()  # type: ignore[misc]  # private
        finally:
            if self.connection is None or not self.connection.in_transaction:
                self.leave_turn()

    def _rollback(self) -> Any:
        try:
            return super()._rollback()  # type: ignore[misc]  # private
        finally:
            self.leave_turn()

    def _close(self) -> Any:
        try:
            return super()._close()  # type: ignore[misc]  # private
        finally:
            self.leave_turn()


class _Cursor(base.SQLiteCursorWrapper):
    def __init__(self, connection: Any, wrapper: DatabaseWrapper) -> None:
        super().__init__(connection)
        self._wrapper = wrapper

    def execute(self, query: str, params: Any = None) -> Any:
        with self._turn_for(query):
            return super().execute(query, params)

    def executemany(self, query: str, param_list: Any) -> Any:
        with self._turn_for(query):
            return super().executemany(query, param_list)

    def convert_query(self, query: str, *, param_names: list[str] | None = None) -> Any:
        """Django's; an insert has a place for each of ten thousand values, found quicker here."""
        if param_names is None and "%%" not in query:
            return query.replace("%s", "?")
        return super().convert_query(query, param_names=param_names)

    @contextmanager
    def _turn_for(self, query: str) -> Iterator[None]:
        alone = not self.connection.in_transaction and query.startswith(WRITES)
        if alone:
            self._wrapper.take_turn()
        try:
            yield
        finally:
            if alone:
                self._wrapper.leave_turn()
