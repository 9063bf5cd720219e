from django.urls import path

from resources.views import card, create, files, listing, permissions

app_name = "resources"
urlpatterns = [
    path("streamers/", listing.streamers, name="streamers"),
    path("streamers/new/", create.streamer, name="streamers-new"),
    path("streamers/<int:pk>/", card.streamer, name="streamers-card"),
    path("streamers/<int:pk>/history/", card.streamer_history, name="streamers-history"),
    path("streamers/<int:pk>/delete/", card.delete_streamer, name="streamers-delete"),
    path("streams/", listing.streams, name="streams"),
    path("streams/new/", create.stream, name="streams-new"),
    path("streams/<int:pk>/", card.stream, name="streams-card"),
    path("streams/<int:pk>/history/", card.stream_history, name="streams-history"),
    path("streams/<int:pk>/delete/", card.delete_stream, name="streams-delete"),
    path("recordings/", listing.recordings, name="recordings"),
    path("recordings/new/", files.upload, name="recordings-new"),
    path("recordings/<int:pk>/", card.recording, name="recordings-card"),
    path("recordings/<int:pk>/download/", files.download, name="recordings-download"),
    path("recordings/<int:pk>/history/", card.recording_history, name="recordings-history"),
    path("recordings/<int:pk>/delete/", card.delete_recording, name="recordings-delete"),
    path("resources/<int:pk>/permissions/", permissions.permissions, name="permissions"),
    path("resources/<int:pk>/permissions/people/", permissions.people, name="people"),
    path("resources/<int:pk>/why/", permissions.why, name="why"),
]
