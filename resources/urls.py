from django.urls import URLPattern, path

from resources.roles import Kind
from resources.views import (
    account,
    card,
    create,
    deletion,
    devices,
    ends,
    files,
    listing,
    permissions,
    stream_sessions,
    streamer_keys,
)


def of_kind(kind: Kind) -> list[URLPattern]:
    """What the pages of every kind have in common: list, card, history."""
    name, which = kind.page, {"kind": kind}
    return [
        path(f"{name}/", listing.resources, which, name=name),
        path(f"{name}/<int:pk>/", card.card, which, name=f"{name}-card"),
        path(f"{name}/<int:pk>/history/", card.history, which, name=f"{name}-history"),
    ]


def of_ends(side: str) -> list[URLPattern]:
    """What is done to the inputs of a stream, and to its pushes alike."""
    start, which = f"streams/<int:pk>/{side}/", {"side": side}
    return [
        path(f"{start}new/", ends.add, which, name=f"{side}-new"),
        path(f"{start}<int:item>/", ends.end, which, name=f"{side}-edit"),
        path(f"{start}<int:item>/move/", ends.move, which, name=f"{side}-move"),
        path(f"{start}<int:item>/remove/", ends.remove, which, name=f"{side}-remove"),
    ]


app_name = "resources"
urlpatterns = [
    path("accounts/<int:pk>/resources/", account.reach, name="account"),
    *of_kind(Kind.STREAMER),
    path("streamers/new/", create.streamer, name="streamers-new"),
    path("streamers/<int:pk>/delete/", deletion.delete, {"kind": Kind.STREAMER}, name="streamers-delete"),
    path("streamers/<int:pk>/key/", streamer_keys.key, name="streamers-key"),
    path("streamers/<int:pk>/credential/", streamer_keys.credential, name="streamers-credential"),
    path("streamers/<int:pk>/credential/remove/", streamer_keys.remove_credential, name="streamers-no-credential"),
    path("streamers/<int:pk>/devices/", devices.of_streamer, name="streamers-devices"),
    path("streamers/<int:pk>/devices/new/", devices.create, name="devices-new"),
    path("devices/", devices.listing, name="devices"),
    path("devices/<int:pk>/", devices.device, name="devices-card"),
    path("devices/<int:pk>/delete/", devices.delete, name="devices-delete"),
    *of_kind(Kind.STREAM),
    path("streams/new/", create.stream, name="streams-new"),
    path("streams/<int:pk>/delete/", deletion.delete, {"kind": Kind.STREAM}, name="streams-delete"),
    path("streams/<int:pk>/inputs/", ends.of_stream, name="streams-ends"),
    *of_ends("inputs"),
    *of_ends("pushes"),
    *of_kind(Kind.SESSION),
    path("stream-sessions/<int:pk>/end/", stream_sessions.end, name="stream-sessions-end"),
    path("stream-sessions/<int:pk>/delete/", deletion.delete, {"kind": Kind.SESSION}, name="stream-sessions-delete"),
    *of_kind(Kind.RECORDING),
    path("recordings/new/", files.upload, name="recordings-new"),
    path("recordings/<int:pk>/download/", files.download, name="recordings-download"),
    path("recordings/<int:pk>/delete/", deletion.delete_recording, name="recordings-delete"),
    path("resources/<int:pk>/permissions/", permissions.permissions, name="permissions"),
    path("resources/<int:pk>/permissions/people/", permissions.people, name="people"),
    path("resources/<int:pk>/why/", permissions.why, name="why"),
]
