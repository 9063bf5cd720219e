from django.urls import path

from sso.openid import views as openid
from sso.views import sign_in

app_name = "sso"
urlpatterns = [
    path("sso/again/", sign_in.ask_again, name="ask-again"),
    path("sso/<slug:alias>/login/", sign_in.login, name="login"),
    path("sso/<slug:alias>/callback/", openid.callback, name="openid-callback"),
    path("sso/<slug:alias>/back-channel-logout/", openid.back_channel_logout, name="openid-back-channel-logout"),
    # SAML
]
