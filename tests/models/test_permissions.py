"""Who may do what: each service with each role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission

from audit_app.actors import Actor
from audit_app.models import AuditRecord
from models_app.chat.sessions import create_chat
from models_app.models import OllamaModel, OllamaServer
from models_app.services import benchmarks, copies, lifecycle, pins, recreating, servers
from ollamactl.lib.errors import NotPermitted
from ollamactl.simulator.running import RunningSimulator
from tasks_app import services as tasks
from tasks_app.choices import State
from tasks_app.models import Task
from tests.factories import OllamaModelFactory, TaskFactory, UserFactory, actor_of
from tests.helpers.valkey import ValkeyProcess
from tests.models.conftest import MB

LOADED = {"size": 1, "size_vram": 1, "processor": "100% GPU", "expires_at": None}
Service = Callable[[Actor, OllamaServer], Any]


@pytest.fixture(autouse=True)
def with_valkey(valkey: ValkeyProcess) -> None:
    pass


def model_of(server: OllamaServer, **fields: Any) -> OllamaModel:
    model: OllamaModel = OllamaModelFactory(server=server, **fields)
    return model


def with_task(server: OllamaServer, state: str, status: str, **fields: Any) -> OllamaModel:
    model = model_of(server, status=status, **fields)
    model.last_task = TaskFactory(resource_id=model.pk, state=state)
    model.save()
    return model


def pull(actor: Actor, server: OllamaServer, **options: Any) -> Any:
    return lifecycle.pull_model(actor=actor, server=server, name="offered", **options)


def start(actor: Actor, server: OllamaServer) -> Any:
    return lifecycle.start_model(actor=actor, model=model_of(server))


def stop(actor: Actor, server: OllamaServer) -> Any:
    model = model_of(server, status="running", is_loaded=True, loaded=LOADED)
    return lifecycle.stop_model(actor=actor, model=model)


def delete(actor: Actor, server: OllamaServer) -> Any:
    return lifecycle.delete_model(actor=actor, model=model_of(server))


def copy(actor: Actor, server: OllamaServer) -> Any:
    return copies.copy_model(actor=actor, model=model_of(server), name="copied")


def rename(actor: Actor, server: OllamaServer) -> Any:
    return copies.rename_model(actor=actor, model=model_of(server), name="renamed")


def pin(actor: Actor, server: OllamaServer) -> Any:
    return pins.pin_model(actor=actor, model=model_of(server))


def unpin(actor: Actor, server: OllamaServer) -> Any:
    return pins.unpin_model(actor=actor, model=model_of(server, pinned=True))


def recreate(actor: Actor, server: OllamaServer) -> Any:
    return recreating.recreate_model(actor=actor, model=model_of(server), system="Be brief.")


def benchmark(actor: Actor, server: OllamaServer) -> Any:
    return benchmarks.benchmark_model(actor=actor, model=model_of(server))


def begin_chat(actor: Actor, server: OllamaServer) -> Any:
    return create_chat(actor=actor, model=model_of(server))


def cancel(actor: Actor, server: OllamaServer) -> Any:
    model = with_task(server, State.QUEUED, "waiting")
    return lifecycle.cancel_work(actor=actor, model=model)


def pause(actor: Actor, server: OllamaServer) -> Any:
    model = with_task(server, State.QUEUED, "waiting")
    return lifecycle.pause_pull(actor=actor, model=model)


def resume(actor: Actor, server: OllamaServer) -> Any:
    model = with_task(server, State.PAUSED, "paused")
    return lifecycle.resume_pull(actor=actor, model=model)


def retry(actor: Actor, server: OllamaServer) -> Any:
    model = with_task(server, State.FAILED, "error", digest="")
    return lifecycle.retry_work(actor=actor, model=model)


def add(actor: Actor, server: OllamaServer) -> Any:
    return servers.add_server(actor=actor, name="new", base_url="http://127.0.0.1:9")


def change(actor: Actor, server: OllamaServer) -> Any:
    return servers.update_server(actor=actor, server=server, name="renamed")


def remove(actor: Actor, server: OllamaServer) -> Any:
    return servers.remove_server(actor=actor, server=server)


def override(actor: Actor, server: OllamaServer) -> Any:
    return pull(actor, server, override=True)


def check(actor: Actor, server: OllamaServer) -> Any:
    return servers.check_server(actor=actor, server=server)


def sync(actor: Actor, server: OllamaServer) -> Any:
    return servers.sync_server(actor=actor, server=server)


def sync_all(actor: Actor, server: OllamaServer) -> Any:
    return servers.sync_all(actor=actor)


EVERYBODY = ("administrator", "operator", "viewer")
WORKERS = ("administrator", "operator")
ADMINISTRATORS = ("administrator",)
# service, who may, the permission's codename, the verb in the audit (none for reads)
TABLE: list[tuple[Service, tuple[str, ...], str, str]] = [
    (pull, WORKERS, "models_app.pull_ollamamodel", "model.pull"),
    (override, ADMINISTRATORS, "models_app.override_preflight", "model.pull"),
    (start, WORKERS, "models_app.start_ollamamodel", "model.start"),
    (stop, WORKERS, "models_app.stop_ollamamodel", "model.stop"),
    (delete, WORKERS, "models_app.delete_ollamamodel", "model.delete"),
    (copy, WORKERS, "models_app.copy_ollamamodel", "model.copy"),
    (rename, WORKERS, "models_app.copy_ollamamodel", "model.rename"),
    (pin, WORKERS, "models_app.pin_ollamamodel", "model.pin"),
    (unpin, WORKERS, "models_app.pin_ollamamodel", "model.unpin"),
    (recreate, WORKERS, "models_app.recreate_ollamamodel", "model.recreate"),
    (benchmark, WORKERS, "models_app.benchmark_ollamamodel", "model.benchmark"),
    (begin_chat, WORKERS, "models_app.chat_ollamamodel", "chat.create"),
    (cancel, WORKERS, "tasks_app.cancel_task", "task.cancel"),
    (pause, WORKERS, "tasks_app.cancel_task", "task.pause"),
    (resume, WORKERS, "tasks_app.retry_task", "task.resume"),
    (retry, WORKERS, "tasks_app.retry_task", "task.retry"),
    (add, ADMINISTRATORS, "models_app.add_ollamaserver", "server.add"),
    (change, ADMINISTRATORS, "models_app.change_ollamaserver", "server.change"),
    (remove, ADMINISTRATORS, "models_app.delete_ollamaserver", "server.remove"),
    (check, EVERYBODY, "models_app.view_ollamaserver", ""),
    (sync, WORKERS, "models_app.sync_ollamaserver", "server.sync"),
    (sync_all, WORKERS, "models_app.sync_ollamaserver", "servers.sync"),
]


@pytest.mark.parametrize("role", ["administrator", "operator", "viewer", None])
@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0].__name__)
def test_each_service_asks_for_its_permission_and_leaves_a_record(
    server: OllamaServer,
    simulator: RunningSimulator,
    row: tuple[Service, tuple[str, ...], str, str],
    role: str | None,
) -> None:
    service, may, codename, verb = row
    simulator.control.publish("offered", MB)
    actor = actor_of(UserFactory(role=role))
    if role in may:
        service(actor, server)
        verbs = list(AuditRecord.objects.filter(user=actor.user).values_list("verb", flat=True))
        assert verbs == ([verb] if verb else [])
        return
    with pytest.raises(NotPermitted) as refused:
        service(actor, server)
    needed = refused.value.extra["permission"]
    if role == "operator" or service is not override:
        assert needed == codename
    assert needed in str(refused.value)
    assert not AuditRecord.objects.exists()
    assert not Task.objects.filter(created_by=actor.user).exists()


def test_a_retry_needs_the_right_to_the_work_itself(server: OllamaServer) -> None:
    user = UserFactory(role=None)
    user.user_permissions.add(Permission.objects.get(codename="retry_task"))
    model = with_task(server, State.FAILED, "stopped")
    task = model.last_task
    assert task is not None
    Task.objects.filter(pk=task.pk).update(type="model.delete")
    task.refresh_from_db()
    with pytest.raises(NotPermitted) as refused:
        tasks.retry_task(actor=actor_of(user), task=task)
    assert refused.value.extra == {"permission": "models_app.delete_ollamamodel"}
    task.refresh_from_db()
    assert task.state == State.FAILED
