"""The product's addresses, an empty page, and Django's admin under /stock/."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import include, path

from accounts.models import Account
from agora.base.access import public, signed_in
from bench.stock import site


@signed_in
def empty(request: HttpRequest) -> HttpResponse:
    """A page of ours without content: what every page costs before it shows anything."""
    return render(request, "layouts/app.html", {})


@public
def nothing(request: HttpRequest) -> HttpResponse:
    """The smallest answer that needs to know who asks, for comparing what session middlewares cost."""
    user: Any = getattr(request, "user", None)
    return HttpResponse(b"in" if user is not None and user.is_authenticated else b"out")


@public
def account(request: HttpRequest, pk: int) -> JsonResponse:
    """One account by its id, as JSON: the query of the API's read and nothing around it."""
    found = Account.objects.get(pk=pk)
    return JsonResponse({"id": found.pk, "username": found.username, "role": found.role})


urlpatterns = [
    path("bench/account/<int:pk>/", account),
    path("bench/empty/", empty),
    path("bench/nothing/", nothing),
    path("stock/", include((site.get_urls(), "admin"), namespace="admin")),
    path("", include("agora.urls")),
]
