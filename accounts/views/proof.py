"""Is it you? What is asked again, in an open session, before a second factor comes or goes."""

from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from accounts.forms.second_factor import ProofForm
from accounts.passkeys import Passkeys, made, reached_by_name
from accounts.services import passkeys, second_factor, sign_in
from accounts.views.common import person
from agora.base.access import not_while_impersonating, signed_in
from agora.base.errors import Refused
from agora.base.http import Request
from sessions_admin.models import Method
from sessions_admin.store import SessionStore

CHALLENGE = "passkey_proof"


@not_while_impersonating
@signed_in
@require_POST
def begin(request: Request) -> HttpResponse:
    """What the browser is to sign with a passkey in place of a code."""
    options, state = Passkeys(request).authenticate_begin(person(request), require_user_verification=False)
    request.session[CHALLENGE] = state
    return JsonResponse(options)


def asked(request: Request, *, sent: bool, code: bool = False) -> ProofForm:
    """The form that asks; with ``code`` for the second factor besides the password."""
    account = person(request)
    has_passkeys = reached_by_name(request) and passkeys.of_account(account).exists()
    elsewhere = from_directory(request)
    return ProofForm(account, request.POST if sent else None, elsewhere=elsewhere, code=code, passkeys=has_passkeys)


def from_directory(request: Request) -> bool:
    """Was a directory's password typed to sign in here? Then it is what can be asked again."""
    store = request.session
    assert isinstance(store, SessionStore)
    return store.row is not None and store.row.method == Method.LDAP


def proved(request: Request, form: ProofForm) -> bool:
    """Is what was asked right? What is wrong stands under its field."""
    account = person(request)
    state = request.session.pop(CHALLENGE, None) or {}
    field = "current_password"
    try:
        if field in form.fields:
            sign_in.confirm_password(request, account, form.cleaned_data[field], actor=request.actor)
        field = "code"
        if form.cleaned_data.get("credential"):
            passkeys.check(account, Passkeys(request), state, made(request), actor=request.actor)
        elif field in form.fields:
            second_factor.check(account, form.cleaned_data[field], actor=request.actor)
    except Refused as refusal:
        form.add_error(field, str(refusal))
        return False
    return True
