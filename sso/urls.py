from django.urls import path

from sso.openid import views as openid
from sso.saml import key_pages
from sso.saml import views as saml
from sso.views import actions, card, providers, sign_in, trial

SETTINGS = "settings/server/single-sign-on"

app_name = "sso"
urlpatterns = [
    path(f"{SETTINGS}/", providers.provider_list, name="list"),
    path(f"{SETTINGS}/new/", providers.choose_kind, name="new"),
    path(f"{SETTINGS}/new/<slug:kind>/", providers.create, name="create"),
    path(f"{SETTINGS}/new/<slug:kind>/test/", trial.test_new, name="test-new"),
    path(f"{SETTINGS}/reports/<slug:key>/", trial.report, name="report"),
    path(f"{SETTINGS}/<int:pk>/", providers.edit, name="edit"),
    path(f"{SETTINGS}/<int:pk>/test/", trial.test_saved, name="test"),
    path(f"{SETTINGS}/<int:pk>/enable/", actions.enable, name="enable"),
    path(f"{SETTINGS}/<int:pk>/disable/", actions.disable, name="disable"),
    path(f"{SETTINGS}/<int:pk>/move/", actions.move, name="move"),
    path(f"{SETTINGS}/<int:pk>/delete/", actions.delete, name="delete"),
    path("accounts/<int:pk>/identities/", card.card, name="card"),
    path("accounts/<int:pk>/identities/link/", card.link, name="link"),
    path("identities/<int:pk>/unlink/", card.unlink, name="unlink"),
    path("sso/again/", sign_in.ask_again, name="ask-again"),
    path("sso/<slug:alias>/login/", sign_in.login, name="login"),
    path("sso/<slug:alias>/callback/", openid.callback, name="openid-callback"),
    path("sso/<slug:alias>/back-channel-logout/", openid.back_channel_logout, name="openid-back-channel-logout"),
    path(f"{SETTINGS}/saml/", key_pages.show, name="signing-key"),
    path(f"{SETTINGS}/saml/announce/", key_pages.announce, name="announce-key"),
    path(f"{SETTINGS}/saml/switch/", key_pages.switch, name="switch-key"),
    path(f"{SETTINGS}/saml/retire/", key_pages.retire, name="retire-key"),
    path(f"{SETTINGS}/<int:pk>/renew-metadata/", key_pages.renew, name="renew-metadata"),
    path("sso/<slug:alias>/post/", saml.post, name="saml-post"),
    path("sso/<slug:alias>/acs/", saml.acs, name="saml-acs"),
    path("sso/<slug:alias>/arrival/", saml.arrival, name="saml-arrival"),
    path("sso/<slug:alias>/slo/", saml.slo, name="saml-slo"),
    path("sso/<slug:alias>/metadata/", saml.metadata, name="saml-metadata"),
]
