"""The bases of all views."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from django.urls import Resolver404, resolve
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ErrorDetail, NotFound, ValidationError
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from ollamactl.lib.api.permissions import LOGIN
from ollamactl.lib.api.serializers import NoBody


class StrictView(APIView):
    """Declares its permissions, and refuses parameters in the address that it does not know.

    `query_parameters` names, by action or method, what is known beside the filters and the page.
    """

    permissions: ClassVar[Mapping[str, str]]
    query_parameters: ClassVar[Mapping[str, Collection[str]]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        known = self.known_parameters(request)
        unknown = [name for name in request.query_params if name not in known]
        if unknown:
            raise ValidationError(
                {name[:100]: [_unknown_parameter(name, known)] for name in unknown[:10]}
            )

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Nothing of what is answered here is anybody's to keep."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    def known_parameters(self, request: Request) -> set[str]:
        """The names of the parameters that this request may have."""
        action = getattr(self, "action", None) or (request.method or "").lower()
        return set(self.query_parameters.get(action, ()))


class StrictViewSet(
    StrictView,
    ListModelMixin,
    RetrieveModelMixin,
    GenericViewSet[Any],
):
    """Lists and shows rows; a list knows its filters and pages."""

    lookup_value_converter = "int"

    def known_parameters(self, request: Request) -> set[str]:
        known = super().known_parameters(request)
        if self.action != "list":
            return known
        filterset = getattr(self, "filterset_class", None)
        filters = set(filterset.base_filters) if filterset else set()
        return known | filters | {"page", "page_size"}

    def refuse_body(self) -> None:
        """Refuse any field in the body of an action that takes none."""
        NoBody(data=self.request.data).is_valid(raise_exception=True)


class UnknownAddress(StrictView):
    """Whatever has no view of its own below `/api/`."""

    permissions = dict.fromkeys(("get", "post", "put", "patch", "delete", "options"), LOGIN)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        APIView.initial(self, request, *args, **kwargs)

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Answer 404, with a hint where only the slash at the end is missing."""
        path = request.path
        if not path.endswith("/") and _is_known(path + "/"):
            raise NotFound(
                _("Addresses here end in a slash: %(path)s/") % {"path": path[:200]},
                code="no_slash",
            )
        raise NotFound(_("There is nothing at this address."))

    post = put = patch = delete = get
    options = get  # type: ignore[assignment]


def _is_known(path: str) -> bool:
    try:
        view = resolve(path).func
    except Resolver404:
        return False
    return getattr(view, "cls", None) is not UnknownAddress


def _unknown_parameter(name: str, known: Collection[str]) -> ErrorDetail:
    if known:
        sentence = _("There is no parameter “%(name)s” here; there are: %(known)s.")
    else:
        sentence = _("There is no parameter “%(name)s” here.")
    return ErrorDetail(
        sentence % {"name": name[:100], "known": ", ".join(sorted(known))},
        code="unknown_parameter",
    )
