from django.urls import path

from settings_admin import views

app_name = "settings"
urlpatterns = [
    path("general/", views.general, name="general"),
    path("general/preview/", views.hostname_preview, name="hostname-preview"),
]
