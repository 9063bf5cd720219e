"""What several pages of providers need."""

from django.http import Http404
from django.shortcuts import get_object_or_404

from accounts.views.common import person
from agora.base.http import Request
from sso.forms.draft import Draft
from sso.models import Provider
from sso.services import protocols


def provider_of(pk: int) -> Provider:
    return get_object_or_404(Provider.objects.with_settings(), pk=pk)


def draft_of(request: Request, *, kind: str = "", pk: int | None = None) -> Draft:
    """The forms of a saved provider, or of a new one of this kind. 404 for a kind that can't be made."""
    provider = provider_of(pk) if pk is not None else None
    kind = provider.kind if provider else kind
    if kind not in dict(protocols.kinds()):
        raise Http404
    data = request.POST if request.method == "POST" else None
    return Draft(kind, data, provider=provider, person=person(request).pk)
