"""Memory, processor time, threads and files of every process, and what Valkey says of itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psutil
import redis
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from ollamactl.lib.figures import ProcessReport, describe, read_processes
from ollamactl.supervisor.leftovers import MARK

LABELS = ("process", "host", "pid")
# Processes beside this one that report nothing themselves, by a word of their command line.
SILENT = {"valkey-server": "valkey", "guardian.py": "guardian", "ollamactl.simulator": "demo"}


def families(valkey: redis.Redis) -> Iterator[Metric]:
    """A sample for each process that is known, here and on other hosts."""
    reports = [*read_processes(valkey), *neighbours()]
    yield from _processes(reports)
    sockets = GaugeMetricFamily(
        "ollamactl_sockets", "Open sockets of live events.", labels=("host", "pid")
    )
    for report in reports:
        if "sockets" in report.gauges and report.name == "web":
            sockets.add_metric((report.host, str(report.pid)), report.gauges["sockets"])
    yield sockets
    yield from _valkey(valkey)


def neighbours() -> list[ProcessReport]:
    """The supervisor that has started this process, and its children that report nothing."""
    if MARK not in os.environ or os.getppid() <= 1:
        return []
    found = []
    with suppress(psutil.Error):
        supervisor = psutil.Process(os.getppid())
        found.append(describe(supervisor, "supervisor", {}))
        for child in supervisor.children():
            with suppress(psutil.Error):
                line = " ".join(child.cmdline())
                name = next((SILENT[word] for word in SILENT if word in line), "")
                if name:
                    found.append(describe(child, name, {}))
    return found


def _processes(reports: list[ProcessReport]) -> Iterator[Metric]:
    prefix = "ollamactl_process"
    memory = GaugeMetricFamily(f"{prefix}_resident_memory_bytes", "Memory.", labels=LABELS)
    cpu = CounterMetricFamily(f"{prefix}_cpu_seconds", "Processor time.", labels=LABELS)
    threads = GaugeMetricFamily(f"{prefix}_threads", "Threads.", labels=LABELS)
    files = GaugeMetricFamily(f"{prefix}_open_fds", "Open files and connections.", labels=LABELS)
    for report in reports:
        labels = (report.name, report.host, str(report.pid))
        memory.add_metric(labels, report.memory)
        cpu.add_metric(labels, report.cpu)
        threads.add_metric(labels, report.threads)
        files.add_metric(labels, report.files)
    yield from (memory, cpu, threads, files)


def _valkey(valkey: redis.Redis) -> Iterator[Metric]:
    said: Any = valkey.info()
    for key, name, text in (
        ("used_memory", "memory_bytes", "What Valkey holds in memory."),
        ("connected_clients", "clients", "Connections to Valkey."),
        ("aof_current_size", "file_bytes", "Valkey's file on the disk."),
    ):
        if key in said:  # not every server that speaks its protocol says all
            yield GaugeMetricFamily(f"ollamactl_valkey_{name}", text, value=said[key])
