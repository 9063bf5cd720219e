"""The navigation as data: what each person may open, drawn from the views' own declarations."""

from dataclasses import dataclass
from typing import Any

from django.contrib.messages import get_messages
from django.http import HttpRequest
from django.template.backends.utils import csrf_input
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from agora.base.access import url_if_allowed


@dataclass(frozen=True)
class Entry:
    """One page of the menu: its label, its icon's name and its view's name."""

    label: str | Promise
    icon: str
    view: str


@dataclass(frozen=True)
class Item:
    """An entry as one person sees it."""

    label: str | Promise
    icon: str
    url: str
    current: bool
    count: int | None = None


@dataclass(frozen=True)
class Section:
    label: str | Promise
    items: list[Item]


MENU: list[tuple[str | Promise, list[Entry]]] = [
    (
        "",
        [
            Entry(_("Overview"), "layout-dashboard", "overview"),
            Entry(_("Projects"), "folder-kanban", "projects:list"),
        ],
    ),
    (
        _("Resources"),
        [
            Entry(_("Sessions"), "cast", "resources:stream-sessions"),
            Entry(_("Recordings"), "video", "resources:recordings"),
        ],
    ),
    (_("Access"), [Entry(_("Users"), "users", "accounts:list")]),
    (
        _("Security"),
        [
            Entry(_("Sessions"), "monitor-play", "sessions:list"),
            Entry(_("Audit log"), "scroll-text", "audit:list"),
            Entry(_("Impersonations"), "hat-glasses", "impersonation:list"),
        ],
    ),
    (
        _("Settings"),
        [
            Entry(_("General"), "sliders-horizontal", "settings:general"),
            Entry(_("Single Sign-On"), "log-in", "sso:list"),
            Entry(_("Mail"), "mail", "mail:settings"),
            Entry(_("Connected Applications"), "radio-tower", "resources:streamers"),
            Entry(_("Stream Configuration"), "radio", "resources:streams"),
            Entry(_("Devices"), "cable", "resources:devices"),
            Entry(_("Feedback"), "message-square-text", "feedback:list"),
            Entry(_("Impersonate"), "hat-glasses", "impersonation:choose"),
        ],
    ),
]


def menu_for(request: HttpRequest) -> list[Section]:
    """The sections and pages that this request's person may open; empty ones are left out."""
    sections = []
    for label, entries in MENU:
        items = []
        for entry in entries:
            if url := url_if_allowed(request, entry.view):
                current = request.path == url if url == "/" else request.path.startswith(url)
                items.append(Item(entry.label, entry.icon, url, current))
        if items:
            sections.append(Section(label, items))
    return sections


def page(request: HttpRequest) -> dict[str, Any]:
    """Context of every page."""
    user = getattr(request, "user", None)
    signed_in = user is not None and user.is_authenticated
    return {
        "menu": menu_for(request) if signed_in else [],
        "toasts": get_messages(request) if hasattr(request, "_messages") else [],
        "page_mode": _mode(request),
        "csrf_input": SimpleLazyObject(lambda: csrf_input(request)),  # masked once a page, not once a form
    }


def _mode(request: HttpRequest) -> str:
    """What the page's frame must warn of: favicon, title, bar and banner follow."""
    elevation = getattr(request, "elevation", None)
    return {"impersonation": "impersonating", "admin_mode": "admin"}[elevation.kind] if elevation else ""
