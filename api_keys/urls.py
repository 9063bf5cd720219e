from django.urls import path

from api_keys.views import card, keys, profile

app_name = "api_keys"
urlpatterns = [
    path("profile/keys/", profile.own_keys, name="profile"),
    path("profile/keys/new/", profile.create_own, name="create-own"),
    path("accounts/<int:pk>/keys/", card.card_keys, name="card"),
    path("accounts/<int:pk>/keys/new/", card.create, name="create"),
    path("accounts/<int:pk>/keys/login/", card.key_login, name="key-login"),
    path("keys/<int:pk>/", keys.edit, name="edit"),
    path("keys/<int:pk>/enable/", keys.enable, name="enable"),
    path("keys/<int:pk>/disable/", keys.disable, name="disable"),
    path("keys/<int:pk>/reset/", keys.reset, name="reset"),
    path("keys/<int:pk>/delete/", keys.delete, name="delete"),
]
