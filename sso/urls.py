from django.urls import path

from sso.views import sign_in

app_name = "sso"
urlpatterns = [
    path("sso/<slug:alias>/login/", sign_in.login, name="login"),
    # OpenID Connect
    # SAML
]
