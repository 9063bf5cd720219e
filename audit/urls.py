from django.urls import path

from audit import views

app_name = "audit"
urlpatterns = [
    path("", views.entry_list, name="list"),
    path("histogram/", views.bars, name="histogram"),
    path("export/", views.export, name="export"),
    path("<int:pk>/", views.entry, name="entry"),
]
