from django.urls import path

from accounts.views import actions, card, create, listing, profile, sign_in

app_name = "accounts"
urlpatterns = [
    path("sign-in/", sign_in.sign_in_page, name="sign-in"),
    path("sign-in/new-password/", sign_in.new_password_page, name="sign-in-new-password"),
    path("sign-out/", sign_in.sign_out, name="sign-out"),
    path("accounts/", listing.account_list, name="list"),
    path("accounts/new/", create.create, name="create"),
    path("accounts/new/check-username/", create.check_username, name="check-username"),
    path("accounts/export/", listing.export, name="export"),
    path("accounts/lock/", actions.lock_many, name="lock-many"),
    path("accounts/end-sessions/", actions.end_sessions_many, name="end-sessions-many"),
    path("accounts/<int:pk>/", card.card, name="card"),
    path("accounts/<int:pk>/sessions/", card.card_sessions, name="card-sessions"),
    path("accounts/<int:pk>/activity/", card.card_activity, name="card-activity"),
    path("accounts/<int:pk>/permissions/", card.card_permissions, name="card-permissions"),
    path("accounts/<int:pk>/edit/", card.edit, name="edit"),
    path("accounts/<int:pk>/role/", card.role, name="role"),
    path("accounts/<int:pk>/password/", card.card_password, name="card-password"),
    path("accounts/<int:pk>/set-password/", listing.set_password, name="set-password"),
    path("accounts/<int:pk>/lock/", actions.lock, name="lock"),
    path("accounts/<int:pk>/unlock/", actions.unlock, name="unlock"),
    path("accounts/<int:pk>/activate/", actions.activate, name="activate"),
    path("accounts/<int:pk>/deactivate/", actions.deactivate, name="deactivate"),
    path("accounts/<int:pk>/end-sessions/", actions.end_sessions, name="end-sessions"),
    path("profile/", profile.profile, name="profile"),
    path("profile/names/", profile.names, name="profile-names"),
    path("profile/preferences/", profile.preferences, name="profile-preferences"),
    path("profile/theme/", profile.theme, name="theme"),
    path("profile/password/", profile.own_password, name="profile-password"),
    path("profile/sessions/end-others/", profile.end_other_sessions, name="end-other-sessions"),
    path("profile/sessions/<int:pk>/end/", profile.end_own_session, name="end-own-session"),
]
