from django.urls import path

from sso.openid import views as openid
from sso.saml import views as saml
from sso.views import sign_in

app_name = "sso"
urlpatterns = [
    path("sso/<slug:alias>/login/", sign_in.login, name="login"),
    path("sso/<slug:alias>/callback/", openid.callback, name="openid-callback"),
    path("sso/<slug:alias>/back-channel-logout/", openid.back_channel_logout, name="openid-back-channel-logout"),
    path("sso/<slug:alias>/acs/", saml.acs, name="saml-acs"),
    path("sso/<slug:alias>/arrival/", saml.arrival, name="saml-arrival"),
    path("sso/<slug:alias>/slo/", saml.slo, name="saml-slo"),
    path("sso/<slug:alias>/metadata/", saml.metadata, name="saml-metadata"),
]
