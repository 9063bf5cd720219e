"""What SAML providers and their people reach: ACS, SLO, our metadata, and the page in between."""

from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from agora.base.access import public
from agora.base.http import Request
from sessions_admin.models import Method
from sso.claims import Check, NothingBegun, Person, ProviderRefused
from sso.models import Kind, Provider
from sso.saml import arrivals, descriptor, leaving
from sso.saml.protocol import form_of
from sso.services import again, floods, testing
from sso.services.arrival import arrive, refuse

MESSAGES = {"SAMLRequest", "SAMLResponse", "SAMLart"}  # under which SAML's bindings bring one


@public
@never_cache
@require_GET
def post(request: Request, alias: str) -> HttpResponse:
    """On to a provider that takes forms only: by itself, and by the button where it does not."""
    provider = floods.provider_at(Kind.SAML, alias)
    if not (request_id := request.GET.get("request", "")):
        raise NothingBegun
    try:
        address, fields = form_of(request, alias, request_id)
    except ProviderRefused as refused:
        return refuse(request, provider, refused, actor=request.actor)
    name = provider.name if provider else urlsplit(address).netloc
    page = render(request, "sso/post.html", {"address": address, "fields": fields, "name": name})
    # To any host: browsers hold redirects to it as well, and many a provider sends the form on to another of its own.
    page._csp_update = {"form-action": [f"{urlsplit(address).scheme}:"]}  # type: ignore[attr-defined]  # by django-csp
    return page


@csrf_exempt  # it comes from the provider's site; what it may do is decided by its signature and our own row
@public
@never_cache
@sensitive_post_parameters("SAMLResponse")
@require_http_methods(["GET", "POST"])
def acs(request: Request, alias: str) -> HttpResponse:
    """The provider's answer (Assertion Consumer Service). No session is touched here: the cookie is not sent along."""
    provider = floods.provider_at(Kind.SAML, alias)
    if not MESSAGES.isdisjoint(request.GET):
        sentence = _("The provider answered by redirect or artifact. Set HTTP-POST there for the ACS address.")
        return refuse(request, provider, ProviderRefused("wrong_binding", sentence), actor=request.actor)
    if not request.POST.get("SAMLResponse"):
        raise NothingBegun  # nothing happened that is worth recording
    enabled = provider if provider is not None and provider.enabled else None
    try:
        token = arrivals.receive(request, enabled, alias, actor=request.actor)
    except ProviderRefused as refused:
        return refuse(request, provider, refused, actor=request.actor)
    target = reverse("sso:saml-arrival", args=[alias])
    return HttpResponse(status=303, headers={"Location": f"{target}?{urlencode({'token': token})}"})


@public
@never_cache
@require_GET
def arrival(request: Request, alias: str) -> HttpResponse:
    """Into the session, or to the report of a test; the token works once, in the browser that began."""
    actor, provider, token = request.actor, floods.provider_at(Kind.SAML, alias), request.GET.get("token", "")
    if not token:
        raise NothingBegun
    try:
        row, values = arrivals.land(request, alias, token, actor=actor)
        person = arrivals.person_in(values)
        if row.report is not None:
            testing.check_tester(row.report, request.user)
            checks = [Check(**check) for check in values["checks"]]
            testing.finish_test(row.report, checks, person, actor=actor)
            return redirect("sso:report", row.report.key)
        assert row.provider is not None and person is not None
        if asked := values.get("again"):
            return _asked_again(request, row.provider, person, asked, values)
    except ProviderRefused as refused:
        return refuse(request, provider, refused, actor=actor)
    path, kept = values["next"], values["kept"]
    return arrive(request, row.provider, person, method=Method.SAML, actor=actor, next_path=path, keep=kept)


def _asked_again(
    request: Request, provider: Provider, person: Person, asked: dict[str, Any], values: dict[str, Any]
) -> HttpResponse:
    """The same person as before, asked by the provider just now."""
    try:
        again.finish(request, provider, person, asked, at=values["asked_at"], actor=request.actor)
    except ProviderRefused as refused:
        raise again.fail(provider, refused, actor=request.actor) from refused
    return redirect(values["next"])


@csrf_exempt  # a form of the provider's site is refused in a sentence of its own; nothing comes of it
@public
@never_cache
@sensitive_post_parameters(*MESSAGES)
@require_http_methods(["GET", "POST"])
def slo(request: Request, alias: str) -> HttpResponse:
    """Single logout by redirect: the provider's own request, or its answer to ours. Only with its signature."""
    provider = floods.provider_at(Kind.SAML, alias)
    if provider is None:
        raise Http404
    if MESSAGES.isdisjoint(request.GET | request.POST):
        raise NothingBegun
    named, succeeded = {"name": provider.name}, True
    try:
        if request.method == "POST":
            sentence = _("The sign-out message came as a form. Set HTTP-Redirect there for the SLO address.")
            raise ProviderRefused("wrong_binding", sentence)
        if "SAMLRequest" not in request.GET:
            succeeded = leaving.came_back(request, provider, actor=request.actor)
        elif address := leaving.follow(request, provider, actor=request.actor):
            return HttpResponseRedirect(address)  # also in a frame of the provider's page, where none of ours is shown
    except ProviderRefused as refused:
        return leaving.refuse(request, provider, refused, actor=request.actor)
    if succeeded:
        messages.info(request, _("You are signed out, at %(name)s as well.") % named)
    else:
        messages.warning(request, _("You are signed out here. %(name)s did not sign you out.") % named)
    return redirect("accounts:sign-in")


@public
@require_safe
def metadata(request: Request, alias: str) -> HttpResponse:
    """Who we are to this provider: entity id, addresses and keys, for the provider to read."""
    provider = floods.provider_at(Kind.SAML, alias)
    if provider is None:
        raise Http404
    xml = descriptor.describe(request, provider, actor=request.actor)
    return HttpResponse(xml, content_type="application/samlmetadata+xml")
