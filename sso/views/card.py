"""The identities of an account, on its card: which providers' people it is."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Account
from accounts.views.card import frame
from accounts.views.common import visible_account, with_back
from agora.base.access import not_while_impersonating, requires
from agora.base.http import Request
from sso.claims import ProviderRefused
from sso.forms.link import LinkForm
from sso.models import Identity, Provider
from sso.services import identities, protocols


def show(request: Request, account: Account, form: LinkForm, *, status: int = 200) -> HttpResponse:
    around = frame(request, account, "sso:card")
    context = {
        **around,
        "identities": Identity.objects.of_account(account.pk),
        "providers": Provider.objects.exists(),
        "form": form,
    }
    return render(request, "sso/card.html", context, status=status)


@requires("accounts.view")
@require_safe
def card(request: Request, pk: int) -> HttpResponse:
    return show(request, visible_account(request, pk), LinkForm())


@not_while_impersonating
@requires("accounts.change")
@require_POST
def link(request: Request, pk: int) -> HttpResponse:
    """Whoever the provider names so signs in as this account from now on."""
    account, form = visible_account(request, pk), LinkForm(request.POST)
    if not form.is_valid():
        return show(request, account, form, status=422)
    provider, subject = form.cleaned_data["provider"], form.cleaned_data["subject"]
    try:
        subject, username = protocols.subject_of(provider, subject)
        identities.link(account, provider, subject, username=username, actor=request.actor)
    except (ProviderRefused, identities.AlreadyLinked) as refusal:
        form.add_error("subject", str(refusal))
        return show(request, account, form, status=422)
    messages.success(request, _("Linked to %(name)s.") % {"name": provider.name})
    return redirect(with_back(request, reverse("sso:card", args=[pk])))


@not_while_impersonating
@requires("accounts.change")
@require_http_methods(["GET", "HEAD", "POST"])
def unlink(request: Request, pk: int) -> HttpResponse:
    """Ask, then take the link away."""
    identity = get_object_or_404(Identity.objects.with_both(), pk=pk)
    home = reverse("sso:card", args=[identity.account_id])
    if request.method == "POST":
        identities.unlink(identity, actor=request.actor)
        messages.success(request, _("Unlinked from %(name)s.") % {"name": identity.provider.name})
        return redirect(home)
    facts = [
        ("unlink", _("The person can't sign in here through it any more")),
        ("monitor-off", _("Sessions that it opened for this account end")),
    ]
    if not identity.account.has_usable_password():
        facts += [("triangle-alert", _("This account has no password of this server"))]
    return render(request, "sso/unlink.html", {"identity": identity, "facts": facts, "back": home})
