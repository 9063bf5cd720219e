from django.urls import path

from impersonation import views

app_name = "impersonation"
urlpatterns = [
    path("settings/impersonate/", views.choose, name="choose"),
    path("settings/impersonate/stop/", views.stop, name="stop"),
    path("settings/impersonate/<int:pk>/", views.start, name="start"),
    path("impersonations/", views.impersonations, name="list"),
    path("profile/impersonations/", views.mine, name="mine"),
]
