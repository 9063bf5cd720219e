from django.urls import path

from accounts.views import sign_in

app_name = "accounts"
urlpatterns = [
    path("sign-in/", sign_in.sign_in_page, name="sign-in"),
    path("sign-in/new-password/", sign_in.new_password_page, name="sign-in-new-password"),
    path("sign-out/", sign_in.sign_out, name="sign-out"),
]
