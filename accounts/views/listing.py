"""The list of accounts, its export, and the new password typed in a row."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from accounts.filters import STATES, AccountFilter, counting_states, everybody
from accounts.forms.account import SetPasswordForm
from accounts.models import Account
from accounts.services import exports, passwords
from accounts.views.card import show_card
from accounts.views.common import person, visible_account
from agora.base.access import not_while_impersonating, requires
from agora.base.http import Request, csv_lines, next_url, stream
from agora.base.pages import count_label
from sessions_admin.models import still_open
from sessions_admin.store import SessionStore


@requires("accounts.view")
@require_safe
def account_list(request: Request) -> HttpResponse:
    """All accounts by filter and order of the URL."""
    store = request.session
    limits = store.row if isinstance(store, SessionStore) else None
    filters = AccountFilter(request.GET, queryset=everybody(*still_open(request.actor.at, limits)))
    page = filters.page()
    context = {"filters": filters, "page": page, "tabs": _tabs(filters), "back": request.get_full_path()}
    return render(request, "accounts/list.html", context)


def _tabs(filters: AccountFilter) -> list[tuple[str, str, bool, str]]:
    ((*counts,),) = counting_states().fetch()
    chosen = filters.values.get("state") or ""
    return [
        (
            str(label),
            filters.without("state") + (f"&state={state}" if state else ""),
            state == chosen,
            count_label(count),
        )
        for (state, label), count in zip([("", _("All")), *STATES], counts, strict=True)
    ]


@not_while_impersonating
@requires("accounts.set_password")
@sensitive_post_parameters("new_password")
@require_POST
def set_password(request: Request, pk: int) -> HttpResponse:
    """A temporary password from the row; answered with the row for htmx, else with the list or the card."""
    account = visible_account(request, pk)
    form = SetPasswordForm({**request.POST.dict(), "temporary": "on"})
    if form.is_valid():
        try:
            passwords.set_password(account, form.cleaned_data["new_password"], actor=request.actor)
        except ValidationError as error:
            form.add_error("new_password", error)
        else:
            messages.success(request, _("Password of %(name)s changed.") % {"name": account.username})
    if request.htmx:
        wrong = " ".join(str(sentence) for sentence in form.errors.get("new_password") or [])
        row = {"account": visible_account(request, pk), "error": wrong, "changed": not wrong}
        context = {**row, "back": next_url(request, "")}
        return render(request, "accounts/_row_answer.html", context, status=422 if wrong else 200)
    if form.errors:
        return show_card(request, account, password=form, status=422)
    return redirect(next_url(request, reverse("accounts:list")))


@requires("accounts.export")
@require_POST
def export(request: Request) -> HttpResponseBase:
    """The filtered list as CSV; recorded before the first byte."""
    filters = AccountFilter(request.GET, queryset=Account.objects.visible_to(person(request)))
    exports.record_export(filters.params, actor=request.actor)
    lines = csv_lines(exports.HEADER, exports.rows(filters.qs, text=filters.text))
    return stream(lines, filename="accounts.csv", content_type="text/csv; charset=utf-8")
