"""What people do in a chat."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect, retarget

from audit_app.actors import Actor
from audit_app.guards import requires
from models_app.chat import commands, prompts, sessions
from models_app.chat.events import CHAT
from models_app.chat.forms import BeginForm, ChatForm, PromptForm
from models_app.chat.records import ChatSession
from models_app.views.chats import own_chat, own_message, render_transcript
from ollamactl.lib.errors import ApplicationError, InvalidInput, NotPermitted, Unavailable
from ollamactl.lib.htmx import as_toast, is_fragment
from ollamactl.lib.pages import go_to, render_dialog
from ollamactl.lib.slash import is_command

METHODS = ["GET", "HEAD", "POST"]
UNPROCESSABLE = 422
View = Callable[..., HttpResponse]


def says_what_is_wrong(view: View) -> View:
    """Bad input is a toast beside what was typed, which stays."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except (InvalidInput, Unavailable) as error:
            if not is_fragment(request):
                pk = kwargs.get("pk")
                back = reverse("admin:chat", args=[pk]) if pk else reverse("admin:chats")
                return go_to(request, back, error.detail, "error")
            said = render(request, "panel/error_fragment.html", {"error": error})
            return as_toast(said, UNPROCESSABLE)

    return guarded


@require_POST
@requires(CHAT)
@says_what_is_wrong
def begin(request: HttpRequest) -> HttpResponse:
    """Begin a chat with its first prompt, and go there."""
    form = BeginForm(request.user, request.POST)
    _require_valid(form)
    actor = Actor.from_request(request)
    session = sessions.create_chat(actor=actor, model=form.cleaned_data["model"])
    text = form.cleaned_data["content"]
    if not is_command(text):
        prompts.send_prompt(actor=actor, session=session, text=text)
    return _go(request, reverse("admin:chat", args=[session.pk]))


@require_POST
@requires(CHAT)
@says_what_is_wrong
def send(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask the model, or do what a slash command says."""
    session = own_chat(request, pk)
    form = PromptForm(request.POST)
    _require_valid(form)
    text = form.cleaned_data["content"]
    actor = Actor.from_request(request)
    if is_command(text):
        return _command(request, actor, session, text)
    prompts.send_prompt(actor=actor, session=session, text=text)
    return _transcript(request, session)


@require_POST
@requires(CHAT)
def regenerate(request: HttpRequest, pk: int, message: int) -> HttpResponse:
    """Ask for another answer."""
    row = own_message(request, pk, message)
    prompts.regenerate_answer(actor=Actor.from_request(request), message=row)
    return _transcript(request, row.session)


@require_POST
@requires(CHAT)
def stop(request: HttpRequest, pk: int, message: int) -> HttpResponse:
    """Stop an answer; the page hears of its end."""
    row = own_message(request, pk, message)
    prompts.stop_answer(actor=Actor.from_request(request), message=row)
    return _transcript(request, row.session)


@require_http_methods(METHODS)
@requires(CHAT)
def edit(request: HttpRequest, pk: int, message: int) -> HttpResponse:
    """Ask for the new text of a prompt, and ask it."""
    row = own_message(request, pk, message)
    problem: object = ""
    if request.method == "POST":
        form = PromptForm(request.POST)
        try:
            _require_valid(form)
            text = form.cleaned_data["content"]
            prompts.edit_prompt(actor=Actor.from_request(request), message=row, text=text)
            return _go(request, reverse("admin:chat", args=[pk]))
        except NotPermitted:
            raise
        except ApplicationError as error:
            problem = error.detail
    context = {
        "message": row,
        "session": row.session,
        "problem": problem,
        "text": request.POST.get("content", row.content),
        "address": request.path,
    }
    status = 422 if problem else 200
    return render_dialog(
        request, "models_app/chat_edit.html", context, title=_("Edit the prompt"), status=status
    )


@require_http_methods(METHODS)
@requires(CHAT)
def settings(request: HttpRequest, pk: int) -> HttpResponse:
    """Title, model, system prompt and parameters."""
    session = own_chat(request, pk)
    form = ChatForm(request.user, session, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actor = Actor.from_request(request)
            sessions.change_chat(actor=actor, session=session, **form.changes())
            back = request.GET.get("to")
            name = "admin:chats" if back == "list" else "admin:chat"
            return _go(request, reverse(name, args=[] if back == "list" else [pk]))
        except NotPermitted:
            raise
        except ApplicationError as error:
            form.add_error(error.attr if error.attr in form.fields else None, str(error.detail))
    context = {"form": form, "session": session, "address": request.get_full_path()}
    status = 422 if form.errors else 200
    return render_dialog(
        request,
        "models_app/chat_form.html",
        context,
        title=_("Settings of the chat"),
        status=status,
    )


@require_http_methods(METHODS)
@requires(CHAT)
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask whether, and delete a chat."""
    session = own_chat(request, pk)
    if request.method == "POST":
        sessions.delete_chat(actor=Actor.from_request(request), session=session)
        said = _("“%(name)s” is deleted.") % {"name": session}
        return go_to(request, reverse("admin:chats"), said)
    context = {"session": session}
    return render_dialog(
        request, "models_app/chat_delete.html", context, title=_("Delete the chat")
    )


def _command(request: HttpRequest, actor: Actor, session: ChatSession, text: str) -> HttpResponse:
    said = commands.run_command(actor=actor, session=session, line=text)
    if said.action == "leave":
        return _go(request, reverse("admin:chats"))
    context: dict[str, Any] = {"line": text, "said": said, "session": said.session}
    if not is_fragment(request):
        return go_to(request, reverse("admin:chat", args=[session.pk]), said.text, "info")
    response = render(request, "models_app/chat_said.html", context)
    response["HX-Reswap"] = "innerHTML scroll:top"
    return retarget(response, "#chat-said")


def _transcript(request: HttpRequest, session: ChatSession) -> HttpResponse:
    if not is_fragment(request):
        return redirect("admin:chat", session.pk)
    return render_transcript(request, session)


def _go(request: HttpRequest, url: str) -> HttpResponse:
    return HttpResponseClientRedirect(url) if is_fragment(request) else redirect(url)


def _require_valid(form: forms.Form) -> None:
    """`InvalidInput` with the first sentence of what is wrong."""
    if not form.is_valid():
        sentences = [str(error) for errors in form.errors.values() for error in errors]
        raise InvalidInput(sentences[0], code="invalid")
