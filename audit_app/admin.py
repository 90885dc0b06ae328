"""The records of who did what, the people, their roles and tokens, in the admin."""

from __future__ import annotations

from typing import Any

from axes.admin import AccessAttemptAdmin, AccessFailureLogAdmin, AccessLogAdmin
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as StockGroupAdmin
from django.contrib.auth.admin import UserAdmin as StockUserAdmin
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import ManyToManyField, QuerySet
from django.forms import ModelMultipleChoiceField
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from audit_app.audited import Audited
from audit_app.deletion_summary import leave_out
from audit_app.models import ApiToken, AuditRecord, RememberedAnswer
from audit_app.permission_names import PermissionsField
from ollamactl.lib.times import TimesAsElements

TIES = (User.groups.through, Group.permissions.through, RememberedAnswer)


class ReadOnlyAdmin(TimesAsElements, ModelAdmin):  # type: ignore[misc]
    """Records that only the panel writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(AuditRecord)
class AuditRecordAdmin(ReadOnlyAdmin):
    """Who did what, when and from where."""

    list_display = ("at", "user_name", "verb", "resource_name", "outcome", "origin", "address")
    fields = (*list_display, "resource_type", "resource_id", "data")
    list_filter = ("outcome", "origin", "verb")
    search_fields = ("user_name", "resource_name", "verb")
    date_hierarchy = "at"
    show_full_result_count = False


@admin.register(ApiToken)
class ApiTokenAdmin(Audited, TimesAsElements, ModelAdmin):  # type: ignore[misc]
    """Tokens of programs: seen and revoked here, made over the API, where each is shown once."""

    audited_as = "token"
    deleted_as = "revoke"
    list_display = ("name", "user", "token_key", "created", "expiry", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("name", "user__username")
    fields = readonly_fields = ("name", "user", "token_key", "created", "expiry", "last_used_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


admin.site.unregister(User)
admin.site.unregister(Group)


class WithoutTies:
    """A deletion that tells of records alone, not of the rows that tie them together."""

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, Any, Any]:
        """What goes with these objects, as the page before the deletion shows it."""
        told, counts, *refused = super().get_deleted_objects(objs, request)  # type: ignore[misc]
        return (*leave_out(TIES, told, counts), *refused)


@admin.register(User)
class UserAdmin(Audited, TimesAsElements, WithoutTies, StockUserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    """People. Their roles say what they may do."""

    audited_as = "user"
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "roles", "is_active", "is_superuser", "last_login")
    add_fieldsets = (
        (None, {"fields": ("username", "password1", "password2")}),
        (_("Roles"), {"fields": ("groups",)}),
    )
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email")}),
        (_("Roles"), {"fields": ("is_active", "is_superuser", "groups")}),
        (_("Times"), {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        users: QuerySet[User] = super().get_queryset(request).prefetch_related("groups")
        return users

    @admin.display(description=_("Roles"))
    def roles(self, user: User) -> str:
        """The names of the user's roles."""
        return ", ".join(sorted(group.name for group in user.groups.all()))

    def formfield_for_manytomany(
        self,
        db_field: ManyToManyField[Any, Any],
        request: HttpRequest | None = None,
        **kwargs: Any,
    ) -> ModelMultipleChoiceField[Any] | None:
        """Roles are few: all are in view."""
        if db_field.name == "groups":
            kwargs |= {"widget": UnfoldAdminCheckboxSelectMultipleWidget(), "label": _("Roles")}
            kwargs |= {"help_text": _("What they permit is under “Roles” in the menu.")}
        field: ModelMultipleChoiceField[Any] | None = super().formfield_for_manytomany(
            db_field,
            request,  # type: ignore[arg-type]  # the stubs know of no request that is None
            **kwargs,
        )
        return field

    def audit_data(self, obj: User) -> dict[str, Any]:
        """The rights that the user has now."""
        return {
            "is_active": obj.is_active,
            "is_superuser": obj.is_superuser,
            "groups": sorted(obj.groups.values_list("name", flat=True)),
        }

    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        """Another person's password, with its record."""
        with transaction.atomic():
            answer: HttpResponse = super().user_change_password(request, id, form_url)
            return answer


@admin.register(Group)
class GroupAdmin(Audited, WithoutTies, StockGroupAdmin, ModelAdmin):  # type: ignore[misc]
    """Roles: named sets of permissions."""

    audited_as = "role"

    def formfield_for_manytomany(
        self,
        db_field: ManyToManyField[Any, Any],
        request: HttpRequest | None = None,
        **kwargs: Any,
    ) -> ModelMultipleChoiceField[Any] | None:
        """The permissions in the reader's language."""
        field: ModelMultipleChoiceField[Any] | None = super().formfield_for_manytomany(
            db_field, request, **{**kwargs, "form_class": PermissionsField}
        )
        return field


# The records of failed logins belong to the lock-out, whose own admin looks foreign here.
for record, stock in (
    (AccessAttempt, AccessAttemptAdmin),
    (AccessLog, AccessLogAdmin),
    (AccessFailureLog, AccessFailureLogAdmin),
):
    if admin.site.is_registered(record):
        admin.site.unregister(record)
    admin.site.register(record, type(stock.__name__, (TimesAsElements, stock, ModelAdmin), {}))
