"""Addresses of the pages of models and servers; `PanelSite` puts them behind the login."""

from __future__ import annotations

from django.urls import URLPattern, path

from models_app.chat_urls import urlpatterns as chat_urls
from models_app.connection_urls import urlpatterns as connection_urls
from models_app.views import (
    batches,
    catalogue,
    conflicts,
    downloads,
    model_actions,
    model_forms,
    models,
    panel_settings,
    pulls,
    searches,
    server_actions,
    servers,
)

urlpatterns: list[URLPattern] = [
    path("models/", models.model_list, name="models"),
    path("models/counts/", models.model_counts, name="model-counts"),
    path("models/searches/", searches.search_list, name="searches"),
    path("models/searches/add/", searches.add_search, name="search-add"),
    path("models/searches/note/", searches.note_search, name="search-note"),
    path("models/searches/<int:pk>/", searches.change_search, name="search-change"),
    path("models/searches/<int:pk>/delete/", searches.delete_search, name="search-delete"),
    path("models/add/", pulls.add_model, name="model-add"),
    path("models/add/check/", pulls.check_name, name="model-add-check"),
    path("models/batch/", batches.plan, name="batch"),
    path("models/updates/", batches.look_for_updates, name="check-updates"),
    path("models/batch/begin/", batches.begin, name="batch-begin"),
    path("models/<int:pk>/", models.model_detail, name="model"),
    path("models/<int:pk>/row/", models.model_row, name="model-row"),
    path("models/<int:pk>/details/", models.model_details, name="model-details"),
    path("models/<int:pk>/log/", models.model_log, name="model-log"),
    path("models/<int:pk>/panel/", models.model_panel, name="model-panel"),
    path("models/<int:pk>/confirm/<slug:action>/", model_actions.confirm, name="model-confirm"),
    path("models/<int:pk>/copy/", model_forms.copy, name="model-copy"),
    path("models/<int:pk>/start-options/", model_forms.start, name="model-start-options"),
    path("models/<int:pk>/recreate/", model_forms.recreate, name="model-recreate"),
    path("models/<int:pk>/rename/", model_forms.rename, name="model-rename"),
    path("models/<int:pk>/<slug:action>/", model_actions.act, name="model-act"),
    path("downloads/", downloads.download_list, name="downloads"),
    path("downloads/pause/", downloads.pause_all, name="downloads-pause"),
    path("downloads/resume/", downloads.resume_all, name="downloads-resume"),
    path("downloads/resumed/", downloads.dismiss_resumed, name="downloads-resumed"),
    path("downloads/<int:pk>/<slug:action>/", downloads.act, name="download-act"),
    path("settings/", panel_settings.panel_settings, name="settings"),
    path("catalogue/", catalogue.catalogue_page, name="catalogue"),
    path("servers/", servers.server_list, name="servers"),
    path("servers/add/", servers.add_server, name="server-add"),
    path("servers/<int:pk>/", servers.server_detail, name="server"),
    path("servers/<int:pk>/card/", servers.server_card, name="server-card"),
    path("servers/<int:pk>/panel/", servers.server_panel, name="server-panel"),
    path("servers/<int:pk>/edit/", servers.edit_server, name="server-edit"),
    path("servers/<int:pk>/check/", server_actions.check, name="server-check"),
    path("servers/<int:pk>/sync/", server_actions.sync, name="server-sync"),
    path("conflicts/<int:pk>/<slug:how>/", conflicts.settle, name="conflict-settle"),
    path("servers/all/sync/", server_actions.sync_all, name="servers-sync"),
    path("servers/<int:pk>/remove/", server_actions.remove, name="server-remove"),
    *chat_urls,
    *connection_urls,
]
