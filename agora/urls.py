"""All addresses. Composition: one of the few modules that know every app."""

from django.urls import include, path

from agora import api, errors, health, jump, overview

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error

urlpatterns = [
    # First, for the addresses below are tried in turn and scripts ask all day.
    path("api/v1/", include("agora.api")),
    path("api/docs/", api.docs, name="api-docs"),
    path("", overview.overview, name="overview"),
    path("jump/", jump.jump, name="jump"),
    path("", include("accounts.urls")),
    path("", include("api_keys.urls")),
    path("", include("impersonation.urls")),
    path("", include("sso.urls")),
    path("", include("projects.urls")),
    path("sessions/", include("sessions_admin.urls")),
    path("audit/", include("audit.urls")),
    path("settings/server/", include("settings_admin.urls")),
    path("settings/server/mail/", include("mail.urls")),
    path("", include("feedback.urls")),
    path("", include("resources.urls")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
