"""Addresses of the pages of chats."""

from __future__ import annotations

from django.urls import URLPattern, path

from models_app.views import chat_acts, chats

MESSAGE = "chats/<int:pk>/messages/<int:message>/"

urlpatterns: list[URLPattern] = [
    path("chats/", chats.chat_list, name="chats"),
    path("chats/begin/", chat_acts.begin, name="chat-begin"),
    path("chats/<int:pk>/", chats.chat_page, name="chat"),
    path("chats/<int:pk>/head/", chats.chat_head, name="chat-head"),
    path("chats/<int:pk>/others/", chats.chat_others, name="chat-others"),
    path("chats/<int:pk>/transcript/", chats.chat_transcript, name="chat-transcript"),
    path("chats/<int:pk>/send/", chat_acts.send, name="chat-send"),
    path("chats/<int:pk>/settings/", chat_acts.settings, name="chat-settings"),
    path("chats/<int:pk>/delete/", chat_acts.delete, name="chat-delete"),
    path("chats/<int:pk>/export/", chats.chat_export, name="chat-export"),
    path(MESSAGE, chats.chat_message, name="chat-message"),
    path(f"{MESSAGE}version/", chats.chat_version, name="chat-version"),
    path(f"{MESSAGE}regenerate/", chat_acts.regenerate, name="chat-regenerate"),
    path(f"{MESSAGE}stop/", chat_acts.stop, name="chat-stop"),
    path(f"{MESSAGE}edit/", chat_acts.edit, name="chat-edit"),
]
