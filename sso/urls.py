from django.urls import path

from sso.openid import views as openid
from sso.saml import key_pages
from sso.saml import views as saml
from sso.views import sign_in

SAML = "settings/server/single-sign-on/saml"

app_name = "sso"
urlpatterns = [
    path("sso/<slug:alias>/login/", sign_in.login, name="login"),
    path("sso/<slug:alias>/callback/", openid.callback, name="openid-callback"),
    path("sso/<slug:alias>/back-channel-logout/", openid.back_channel_logout, name="openid-back-channel-logout"),
    path(f"{SAML}/", key_pages.show, name="signing-key"),
    path(f"{SAML}/announce/", key_pages.announce, name="announce-key"),
    path(f"{SAML}/switch/", key_pages.switch, name="switch-key"),
    path(f"{SAML}/retire/", key_pages.retire, name="retire-key"),
    path("settings/server/single-sign-on/<int:pk>/renew-metadata/", key_pages.renew, name="renew-metadata"),
    path("sso/<slug:alias>/acs/", saml.acs, name="saml-acs"),
    path("sso/<slug:alias>/arrival/", saml.arrival, name="saml-arrival"),
    path("sso/<slug:alias>/slo/", saml.slo, name="saml-slo"),
    path("sso/<slug:alias>/metadata/", saml.metadata, name="saml-metadata"),
]
