"""Following a task to its end, through cuts of the socket and restarts of the panel."""

from __future__ import annotations

import time
from collections.abc import Callable

from ollamactl.cli.failures import ApiError, Unreachable
from ollamactl.cli.remote.client import Panel
from ollamactl.cli.remote.events import SocketLost, TaskEvents
from ollamactl.cli.remote.records import Task
from ollamactl.cli.text import gettext as _

POLL_S = 1.0
# Without an event for so long the API is asked, in case one was lost.
QUIET_S = 10.0
SOCKET_AGAIN_S = 10.0
LONGEST_WAIT_S = 5.0
PATIENCE_S = 15 * 60.0
QUEUED = "queued"

Show = Callable[[Task], None]
Notice = Callable[[str], None]


class Follower:
    """Shows a task at each news of it, and returns it at its end."""

    def __init__(self, panel: Panel, task_id: int, *, show: Show, notice: Notice) -> None:
        self._panel = panel
        self._task_id = task_id
        self._show = show
        self._notice = notice
        self._events: TaskEvents | None = None
        self._socket_from = 0.0
        self._said = ""

    def run(self) -> Task:
        """Follow until the end; a failed task is returned, not raised."""
        try:
            while True:
                self._open_socket()
                task = self._read()
                self._say_why_again(task)
                self._show(task)
                if task.is_ended:
                    return task
                self._wait(task)
        finally:
            self._close_socket()

    def _open_socket(self) -> None:
        """Have a socket, if one is to be had now. First the socket, then the state: no gap."""
        if self._events is not None or time.monotonic() < self._socket_from:
            return
        try:
            self._events = TaskEvents(self._panel.login, self._task_id).__enter__()
        except SocketLost as lost:
            self._no_socket(lost)

    def _no_socket(self, lost: SocketLost) -> None:
        self._events = None
        self._socket_from = float("inf") if lost.is_final else time.monotonic() + SOCKET_AGAIN_S

    def _close_socket(self) -> None:
        if self._events is not None:
            self._events.close()
            self._events = None

    def _wait(self, task: Task) -> None:
        """Show what the socket tells; return when the API has to be asked."""
        if self._events is None:
            time.sleep(POLL_S)
            return
        try:
            while (data := self._events.receive(QUIET_S)) is not None:
                if not data:
                    continue
                was, task = task.state, task.after(data)
                if task.is_ended or (task.state == QUEUED and was != QUEUED):
                    return  # the API says why, in the user's language
                self._show(task)
        except SocketLost as lost:
            self._no_socket(lost)

    def _say_why_again(self, task: Task) -> None:
        """An attempt failed and another one follows: say why, once for each reason."""
        if task.state == QUEUED and task.error_detail not in ("", self._said):
            self._said = task.error_detail
            self._notice(_("%(reason)s Trying again.") % {"reason": self._said})

    def _read(self) -> Task:
        """The task as the API has it now, however long the panel is away."""
        wait = 0.5
        lost_at: float | None = None
        while True:
            try:
                task = Task.of(self._panel.get(f"tasks/{self._task_id}/"))
            except (Unreachable, ApiError) as error:
                if isinstance(error, ApiError) and error.status < 500:
                    raise
                lost_at = self._still_away(error, lost_at)
                time.sleep(wait)
                wait = min(wait * 2, LONGEST_WAIT_S)
                continue
            if lost_at is not None:
                self._socket_from = 0.0
                self._notice(_("The panel answers again."))
            return task

    def _still_away(self, error: Exception, lost_at: float | None) -> float:
        """Say it once; after a long time give up."""
        if lost_at is None:
            self._close_socket()
            self._notice(
                _("The panel does not answer. Trying again; the work goes on without this shell.")
            )
            return time.monotonic()
        if time.monotonic() - lost_at > PATIENCE_S:
            raise error
        return lost_at
