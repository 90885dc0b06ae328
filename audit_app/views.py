"""The pages of a user's own API tokens. They need a login and nothing else."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from audit_app.actors import Actor
from audit_app.forms import TokenForm
from audit_app.models import ApiToken
from audit_app.tokens import issue_token, revoke_token
from ollamactl.lib.pages import found, go_to, render_dialog, render_page


@require_safe
def token_list(request: HttpRequest) -> HttpResponse:
    """The user's tokens, the newest first."""
    return render_page(
        request, "audit_app/tokens.html", _list_context(request), title=_("API tokens")
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def add_token(request: HttpRequest) -> HttpResponse:
    """The dialog for a new token, and the one moment when it can be read."""
    if request.method != "POST":
        return _show(request, {"form": TokenForm()})
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _show(request, {"form": form}, status=422)
    actor = Actor.from_request(request)
    user = _user(request)
    token, text = issue_token(
        actor=actor, user=user, name=form.cleaned_data["name"], expiry=form.expiry()
    )
    # The list behind the dialog gets its new row with the same answer.
    context = {"token": token, "text": text, **_list_context(request)}
    return _show(request, context, template="token_issued")


@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask, then make the token useless."""
    token: ApiToken = found(_own_tokens(request).filter(pk=pk).first())
    if request.method != "POST":
        return _show(request, {"token": token}, template="token_revoke")
    revoke_token(actor=Actor.from_request(request), token=token)
    done = _("The token “%(name)s” is revoked.") % {"name": token.name}
    return go_to(request, reverse("admin:tokens"), done)


def _list_context(request: HttpRequest) -> dict[str, Any]:
    return {"tokens": list(_own_tokens(request)), "now": timezone.now()}


def _own_tokens(request: HttpRequest) -> QuerySet[ApiToken]:
    tokens: QuerySet[ApiToken] = ApiToken.objects.filter(user=_user(request))
    return tokens.order_by("-created", "-pk")


def _user(request: HttpRequest) -> User:
    user = Actor.from_request(request).user
    assert user is not None  # noqa: S101 - a request's actor is a user
    return user


def _show(
    request: HttpRequest,
    context: dict[str, Any],
    *,
    template: str = "token_form",
    status: int = 200,
) -> HttpResponse:
    part = f"audit_app/{template}.html"
    return render_dialog(request, part, context, title=_("API tokens"), status=status)
