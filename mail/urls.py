from django.urls import path

from mail import views

app_name = "mail"
urlpatterns = [
    path("", views.mail_settings, name="settings"),
    path("test/", views.test, name="test"),
    path("outbox/", views.outbox, name="outbox"),
    path("outbox/<int:pk>/", views.message, name="message"),
    path("outbox/<int:pk>/retry/", views.retry, name="retry"),
]
