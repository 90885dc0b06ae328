"""The OpenAPI schema: every operation says which errors it can answer, in their one shape."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction

from ollamactl.lib.api.permissions import declared_permission
from ollamactl.lib.api.serializers import Error


class PanelSchema(AutoSchema):
    """Adds the errors, and the codename of the permission to the description."""

    def get_description(self) -> str:  # type: ignore[override]
        text = super().get_description() or ""
        permission = declared_permission(self.view, self.method)
        if not permission:
            return text
        return f"{text}\n\nPermission: `{permission}`".strip()

    def _get_response_bodies(self, direction: Direction = "response") -> dict[str, Any]:
        responses: dict[str, Any] = super()._get_response_bodies(direction=direction)
        if direction != "response":
            return responses
        for code in self._error_codes():
            if code not in responses:
                responses[code] = self._get_response_for_code(  # type: ignore[no-untyped-call]
                    Error, code, media_types=["application/json"]
                )
        return responses

    def _error_codes(self) -> list[str]:
        codes = ["400", "401", "default"]
        if declared_permission(self.view, self.method):
            codes.append("403")
        if "{" in self.path or self._is_list_view():
            codes.append("404")
        if self.method != "GET":
            codes.append("409")
        return sorted(codes)
