from django.urls import path

from sessions_admin import views

app_name = "sessions"
urlpatterns = [
    path("", views.session_list, name="list"),
    path("end/", views.end_many, name="end-many"),
    path("<int:pk>/", views.card, name="card"),
    path("<int:pk>/end/", views.end, name="end"),
]
