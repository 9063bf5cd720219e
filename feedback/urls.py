from django.urls import path

from feedback import views

app_name = "feedback"
urlpatterns = [
    path("feedback/new/", views.new, name="new"),
    path("settings/feedback/", views.feedback_list, name="list"),
    path("settings/feedback/<int:pk>/handle/", views.handle, name="handle"),
    path("settings/feedback/<int:pk>/reopen/", views.reopen, name="reopen"),
]
