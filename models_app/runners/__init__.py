"""The types of task of servers and models; importing this registers them."""

from __future__ import annotations

from models_app.runners.base import ModelRunner
from models_app.runners.batches import BatchRunner, RollbackRunner
from models_app.runners.benchmarks import BenchmarkRunner
from models_app.runners.chats import ChatRunner
from models_app.runners.copies import CopyRunner, RenameRunner
from models_app.runners.deletion import DeleteRunner
from models_app.runners.memory import StartRunner, StopRunner
from models_app.runners.pulls import PullRunner
from models_app.runners.recreation import RecreateRunner
from models_app.runners.syncs import SyncAllRunner, SyncRunner
from models_app.runners.updates import UpdatesRunner

__all__ = [
    "BatchRunner",
    "BenchmarkRunner",
    "ChatRunner",
    "CopyRunner",
    "DeleteRunner",
    "ModelRunner",
    "PullRunner",
    "RecreateRunner",
    "RenameRunner",
    "RollbackRunner",
    "StartRunner",
    "StopRunner",
    "SyncAllRunner",
    "SyncRunner",
    "UpdatesRunner",
]
