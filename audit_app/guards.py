"""The permission of a page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse

from audit_app.actors import Actor

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def requires(permission: str) -> Callable[[View[P]], View[P]]:
    """Answer 403 with the codename unless the user has the permission, as the API does."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            Actor.from_request(request).require(permission)
            return view(request, *args, **kwargs)

        return guarded

    return decorate
