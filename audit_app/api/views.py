"""Login, the user, its tokens, and the audit."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from knox.settings import knox_settings
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED, HTTP_204_NO_CONTENT
from rest_framework.throttling import SimpleRateThrottle

from audit_app.actors import Actor, client_address
from audit_app.api.authentication import LoginAuthentication, user_of
from audit_app.api.base import PanelViewSet
from audit_app.api.serializers import (
    AuditRecordSerializer,
    IssuedTokenSerializer,
    LoggedInSerializer,
    LoginSerializer,
    MeSerializer,
    NewTokenSerializer,
    TokenSerializer,
)
from audit_app.choices import Origin
from audit_app.filters import AuditRecordFilter
from audit_app.models import ApiToken, AuditRecord
from audit_app.tokens import issue_token, revoke_token
from ollamactl.lib.api.permissions import LOGIN
from ollamactl.lib.api.serializers import NoBody
from ollamactl.lib.api.views import StrictView, StrictViewSet


class LoginThrottle(SimpleRateThrottle):
    """So many logins from one address, right or wrong."""

    scope = "login"

    def get_cache_key(self, request: Request, view: Any) -> str:
        return f"throttle.login.{client_address(request)}"


class LoginView(StrictView):
    """HTTP Basic for a token."""

    authentication_classes = [LoginAuthentication]
    throttle_classes = [LoginThrottle]
    permissions = {"post": LOGIN}

    def perform_authentication(self, request: Request) -> None:
        """Count first: a wrong password costs as much as a right one."""
        super().check_throttles(request)
        super().perform_authentication(request)

    def check_throttles(self, request: Request) -> None:
        """Done before the password was looked at."""

    @extend_schema(operation_id="auth_login", request=LoginSerializer, responses=LoggedInSerializer)
    def post(self, request: Request) -> Response:
        """Log in with HTTP Basic; the answer's token is for `Authorization: Token …`."""
        given = LoginSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        user = request.user
        user_logged_in.send(sender=type(user), request=request._request, user=user)
        token, text = issue_token(
            actor=Actor.from_request(request, Origin.API),
            user=user_of(request),
            name=given.validated_data["name"],
            expiry=timezone.now() + knox_settings.TOKEN_TTL,
        )
        return Response(LoggedInSerializer({"token": text, "expiry": token.expiry}).data)


class LogoutView(StrictView):
    """The end of a token or of a session."""

    permissions = {"post": LOGIN}

    @extend_schema(
        operation_id="auth_logout",
        request=NoBody,
        responses={204: OpenApiResponse(description="Logged out")},
    )
    def post(self, request: Request) -> Response:
        """Revoke the token of this request, or end its session."""
        NoBody(data=request.data).is_valid(raise_exception=True)
        if isinstance(request.auth, ApiToken):
            user = request.user
            revoke_token(actor=Actor.from_request(request, Origin.API), token=request.auth)
            user_logged_out.send(sender=type(user), request=request._request, user=user)
        else:
            logout(request._request)
        return Response(status=HTTP_204_NO_CONTENT)


class MeView(StrictView):
    """The user behind the request."""

    permissions = {"get": LOGIN}

    @extend_schema(operation_id="me", responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """Who I am, and the codenames of what I may do."""
        user = request.user
        data = {"user": user, "permissions": sorted(user.get_all_permissions())}
        return Response(MeSerializer(data).data)


class TokenViewSet(StrictViewSet):
    """The user's own tokens. A new one is shown once; so its answer is not remembered either."""

    queryset: QuerySet[ApiToken] = ApiToken.objects.none()
    serializer_class = TokenSerializer
    permissions = dict.fromkeys(("list", "retrieve", "create", "destroy"), LOGIN)

    def get_queryset(self) -> QuerySet[ApiToken]:
        if not self.request.user.is_authenticated:
            return self.queryset
        tokens: QuerySet[ApiToken] = ApiToken.objects.filter(user=self.request.user)
        return tokens.order_by("-created", "-pk")

    @extend_schema(request=NewTokenSerializer, responses={201: IssuedTokenSerializer})
    def create(self, request: Request) -> Response:
        """Make a token. This is the only time that it can be read."""
        given = NewTokenSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        data = given.validated_data
        token, text = issue_token(
            actor=Actor.from_request(request, Origin.API),
            user=user_of(request),
            name=data["name"],
            expiry=data.get("expiry", timezone.now() + knox_settings.TOKEN_TTL),
        )
        context = {**self.get_serializer_context(), "token": text}
        return Response(IssuedTokenSerializer(token, context=context).data, status=HTTP_201_CREATED)

    @extend_schema(request=None, responses={204: OpenApiResponse(description="Revoked")})
    def destroy(self, request: Request, pk: int) -> Response:
        """Revoke a token."""
        revoke_token(actor=Actor.from_request(request, Origin.API), token=self.get_object())
        return Response(status=HTTP_204_NO_CONTENT)


class AuditRecordViewSet(PanelViewSet):
    """Who did what: read only."""

    queryset = AuditRecord.objects.order_by("-at", "-pk")
    serializer_class = AuditRecordSerializer
    filterset_class = AuditRecordFilter
    permissions = dict.fromkeys(("list", "retrieve"), "audit_app.view_auditrecord")
