from django.urls import path

from sso.saml import views as saml
from sso.views import sign_in

app_name = "sso"
urlpatterns = [
    path("sso/<slug:alias>/login/", sign_in.login, name="login"),
    # OpenID Connect
    path("sso/<slug:alias>/acs/", saml.acs, name="saml-acs"),
    path("sso/<slug:alias>/arrival/", saml.arrival, name="saml-arrival"),
    path("sso/<slug:alias>/slo/", saml.slo, name="saml-slo"),
    path("sso/<slug:alias>/metadata/", saml.metadata, name="saml-metadata"),
]
