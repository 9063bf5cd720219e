from django.urls import URLPattern, path

from resources.roles import Kind
from resources.views import account, card, create, files, listing, permissions
from resources.views.common import PAGES


def of_kind(kind: Kind) -> list[URLPattern]:
    """What the pages of every kind have in common: list, card, history."""
    name, which = PAGES[kind], {"kind": kind}
    return [
        path(f"{name}/", listing.resources, which, name=name),
        path(f"{name}/<int:pk>/", card.card, which, name=f"{name}-card"),
        path(f"{name}/<int:pk>/history/", card.history, which, name=f"{name}-history"),
    ]


app_name = "resources"
urlpatterns = [
    path("accounts/<int:pk>/resources/", account.reach, name="account"),
    *of_kind(Kind.STREAMER),
    path("streamers/new/", create.streamer, name="streamers-new"),
    path("streamers/<int:pk>/delete/", card.delete, {"kind": Kind.STREAMER}, name="streamers-delete"),
    *of_kind(Kind.STREAM),
    path("streams/new/", create.stream, name="streams-new"),
    path("streams/<int:pk>/delete/", card.delete, {"kind": Kind.STREAM}, name="streams-delete"),
    *of_kind(Kind.RECORDING),
    path("recordings/new/", files.upload, name="recordings-new"),
    path("recordings/<int:pk>/download/", files.download, name="recordings-download"),
    path("recordings/<int:pk>/delete/", card.delete_recording, name="recordings-delete"),
    path("resources/<int:pk>/permissions/", permissions.permissions, name="permissions"),
    path("resources/<int:pk>/permissions/people/", permissions.people, name="people"),
    path("resources/<int:pk>/why/", permissions.why, name="why"),
]
