"""Django's own admin over the same tables, configured for the same columns, search and filters as our lists."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from accounts.models import Account
from agora.base.access import signed_in
from audit.models import Entry
from sessions_admin.models import still_open


class Site(admin.AdminSite):
    """Whoever is signed in may look."""

    def has_permission(self, request: HttpRequest) -> bool:
        return request.user.is_authenticated


class Look(admin.ModelAdmin):
    """Open to whoever is signed in, which its one page declares as our access middleware demands."""

    @signed_in
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, str] | None = None) -> HttpResponse:
        return super().changelist_view(request, extra_context)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    has_change_permission = has_view_permission

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AccountAdmin(Look):
    list_display = (
        "username", "first_name", "last_name", "external_id", "role", "second_factor", "last_login", "is_active",
        "locked_at", "open_sessions",
    )  # fmt: skip
    list_filter = ("role", "is_active")
    search_fields = Account.search_fields
    ordering = ("username_key",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        """With the column of open sessions as our list makes it: one query, not one a row."""
        found: QuerySet[Account] = Account.objects.with_open_sessions(*still_open())
        return found

    def open_sessions(self, account: Account) -> int | None:
        return account.open_sessions


class EntryAdmin(Look):
    list_display = ("at", "session_id", "actor_name", "event", "target_name", "outcome", "address")
    list_filter = ("event", "outcome")
    date_hierarchy = "at"
    search_fields = ("actor_name", "behalf_name", "event", "target_name", "target_id", "address", "request_id")
    ordering = ("-at", "-id")


site = Site(name="admin")
site.register(Account, AccountAdmin)
site.register(Entry, EntryAdmin)
