"""The schema and its documentation: offline, and without inline script, as our CSP wants it."""

from __future__ import annotations

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from ollamactl.lib.api.permissions import LOGIN


class SchemaView(SpectacularAPIView):
    """OpenAPI 3, as YAML or JSON."""

    permissions = {"get": LOGIN}


class DocsView(SpectacularSwaggerSplitView):
    """Every operation, to read and to try. Its script comes from an address of its own."""

    permissions = {"get": LOGIN}
    url_name = "api-schema"
