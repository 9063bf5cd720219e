"""Single logout: what a provider asks of us, and what it answers when we asked; also of a disabled one, whose sessions
go on."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from agora.base.actor import Actor
from agora.base.errors import refusal
from audit.models import Outcome
from audit.services import record
from sso.claims import ProviderRefused
from sso.models import Kind, Provider, Seen
from sso.saml.copies import facts_of
from sso.saml.logout import answer_address, read_answer, read_request
from sso.saml.protocol import LEAVING, sides_of
from sso.saml.toolkit import Sides
from sso.services import begun, floods
from sso.services.leaving import SIGNED_OUT_THERE, end_sessions_of

LOGOUT = "logout"


def _sides(request: HttpRequest, provider: Provider, actor: Actor) -> Sides:
    return sides_of(provider, facts_of(provider, actor=actor), request, actor=actor)


def follow(request: HttpRequest, provider: Provider, *, actor: Actor) -> str:
    """End what the provider's signed request names, and return the address that tells it so. Raises ProviderRefused."""
    sides = _sides(request, provider, actor)
    asked, relay_state = read_request(request.META.get("QUERY_STRING", ""), sides)
    if not Seen.objects.once(provider, LOGOUT, asked.request_id, asked.expires_at):
        raise ProviderRefused("replayed", _("The same logout request was used before."))
    for index in asked.session_indexes or ("",):
        end_sessions_of(provider, subject=asked.subject, session_id=index, actor=actor)
    return answer_address(sides, asked, relay_state)


def came_back(request: HttpRequest, provider: Provider, *, actor: Actor) -> bool:
    """Did the provider sign the person out as we asked? Raises ProviderRefused."""
    sides = _sides(request, provider, actor)
    request_id, succeeded = read_answer(request.META.get("QUERY_STRING", ""), sides)
    _row, remembered = begun.take(Kind.SAML, provider.alias, request_id, actor=actor, disabled_too=True)
    if remembered.get("stage") != LEAVING:
        raise ProviderRefused("unknown_request", _("The answer belongs to no sign-out that was begun here."))
    return succeeded


def refuse(request: HttpRequest, provider: Provider, refused: ProviderRefused, *, actor: Actor) -> HttpResponse:
    """The reason is recorded; the person sees what is so here, and a reference.

    Whoever signs out here is signed out before the provider is told, so its answer, right or not, changes nothing.
    """
    if floods.is_worth_an_entry(SIGNED_OUT_THERE, actor=actor):
        why = {"reason": refused.reason, "sentence": str(refused)}
        record(SIGNED_OUT_THERE, actor=actor, target=provider, outcome=Outcome.FAILED, **why)
    if "SAMLRequest" in request.GET | request.POST or request.user.is_authenticated:
        sentence = _("The sign-out message was refused; nobody was signed out by it.")
    else:
        sentence = _("You are signed out here. What %(name)s answered was refused.") % {"name": provider.name}
    return refusal(request, sentence, status=refused.status)
