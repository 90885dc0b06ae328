"""Addresses of servers and models."""

from __future__ import annotations

from django.urls import path
from rest_framework.routers import SimpleRouter

from models_app.api.catalogue_views import CatalogueView
from models_app.api.chat_views import ChatViewSet
from models_app.api.conflict_views import ConflictViewSet
from models_app.api.download_views import DownloadViewSet
from models_app.api.model_views import ModelViewSet
from models_app.api.search_views import SearchViewSet
from models_app.api.server_views import ServerViewSet
from models_app.api.settings_views import SettingsView

router = SimpleRouter(use_regex_path=False)
router.register("servers", ServerViewSet, basename="server")
router.register("sync-conflicts", ConflictViewSet, basename="sync-conflict")
router.register("models", ModelViewSet, basename="model")
router.register("downloads", DownloadViewSet, basename="download")
router.register("searches", SearchViewSet, basename="search")
router.register("chats", ChatViewSet, basename="chat")
urlpatterns = [
    path("catalogue/", CatalogueView.as_view(), name="catalogue"),
    path("settings/", SettingsView.as_view(), name="settings"),
    *router.urls,
]
