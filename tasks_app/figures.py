"""What is counted of the engine, in whichever process it happens."""

from __future__ import annotations

from ollamactl.lib.figures import Count

TASKS_ENDED = Count("tasks_ended", "Tasks that came to their end.", ("type", "state"))
ATTEMPTS = Count("task_attempts", "Attempts at tasks that began.", ("type",))
LEASES_LOST = Count("leases_lost", "Leases taken back from workers that died or fell silent.")
EVENTS_SENT = Count("events_sent", "Live events handed to Valkey.")
EVENTS_DROPPED = Count("events_dropped", "Live events that could not be sent; pages catch up.")
PUMP_RECONNECTS = Count("pump_reconnects", "Subscriptions to live events made again after a loss.")
SOCKETS_DROPPED = Count("sockets_dropped", "Sockets closed by the panel, by their code.", ("code",))
RECORDS_REMOVED = Count("records_removed", "Records older than the settings keep them.", ("kind",))

COUNTS = (
    TASKS_ENDED,
    ATTEMPTS,
    LEASES_LOST,
    EVENTS_SENT,
    EVENTS_DROPPED,
    PUMP_RECONNECTS,
    SOCKETS_DROPPED,
    RECORDS_REMOVED,
)
