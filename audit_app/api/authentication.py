"""Who calls: a token in the `Authorization` header, or name and password at the login."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.plumbing import build_bearer_security_scheme_object
from rest_framework.authentication import (
    BaseAuthentication,
    BasicAuthentication,
    get_authorization_header,
)
from rest_framework.exceptions import APIException, AuthenticationFailed, NotAuthenticated
from rest_framework.request import Request

from audit_app.models import ApiToken
from audit_app.tokens import find_token, note_use

LONGEST_NAME = 150


def user_of(request: Request) -> User:
    """The user of a request that has passed its permission."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user


class LockedOut(APIException):
    """Too many wrong passwords from one address for one user."""

    status_code = 429
    default_code = "locked_out"

    def __init__(self) -> None:
        self.wait = settings.AXES_COOLOFF_TIME.total_seconds()
        minutes = int(self.wait) // 60
        super().__init__(
            ngettext(
                "Too many wrong passwords. Try again in %(minutes)d minute.",
                "Too many wrong passwords. Try again in %(minutes)d minutes.",
                minutes,
            )
            % {"minutes": minutes}
        )


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Token …`."""

    keyword = "Token"

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        words = get_authorization_header(request).decode("latin-1").split()
        if not words or words[0].lower() != self.keyword.lower():
            return None
        token = find_token(words[1]) if len(words) == 2 else None
        if token is None:
            raise AuthenticationFailed(
                _("This token is not valid (any more). Log in again, or use another one."),
                code="invalid_token",
            )
        note_use(token)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return self.keyword


class LoginAuthentication(BasicAuthentication):
    """HTTP Basic, for the login alone, counted by the lock-out like the login page."""

    www_authenticate_realm = "ollamactl"

    def authenticate_credentials(
        self, userid: str, password: str, request: Any = None
    ) -> tuple[User, None]:
        plain = request._request  # the lock-out looks at Django's own request
        user = None
        if "\0" not in userid and len(userid) <= LONGEST_NAME:
            user = authenticate(request=plain, username=userid, password=password)
        if getattr(plain, "axes_locked_out", False):
            plain.axes_locked_out = False  # the answer is JSON, not the middleware's page
            raise LockedOut
        if not isinstance(user, User) or not user.is_active:
            raise AuthenticationFailed(
                _("The user name or the password is wrong."), code="wrong_credentials"
            )
        return user, None


class TokenScheme(OpenApiAuthenticationExtension):
    """The token in the schema."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return build_bearer_security_scheme_object(
            header_name="Authorization", token_prefix=TokenAuthentication.keyword
        )


class LoginScheme(OpenApiAuthenticationExtension):
    """Name and password in the schema."""

    target_class = LoginAuthentication
    name = "basic"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "basic"}
