"""The forms of the second factor."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from accounts.names import validate_name

CODE = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false"}


class CodeForm(forms.Form):
    """Six digits of the app, or a recovery code; pasted with spaces or dashes is fine."""

    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        help_text=_("Six digits from your authenticator app, or one of your recovery codes."),
        widget=forms.TextInput(attrs=CODE | {"autofocus": True}),
        error_messages={"required": _("Type the code first.")},
    )


class FirstCodeForm(forms.Form):
    """The first code of an app that is being set up."""

    code = forms.CharField(
        label=_("Code from the app"),
        max_length=40,
        help_text=_("Six digits."),
        widget=forms.TextInput(attrs=CODE | {"inputmode": "numeric"}),
        error_messages={"required": _("Type the code that the app shows.")},
    )


class ProofForm(forms.Form):
    """Is it you? Asks again for what the account has: its password, with ``code`` its second factor besides.

    Without a password the second factor alone is asked, and nothing of whoever has neither. ``elsewhere``: the
    password is a directory's, which says whether it is right. In place of a code a passkey will do: ``credential`` is
    what it signed.
    """

    current_password = forms.CharField(
        label=_("Current password"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        help_text=_("Six digits from your authenticator app, or a recovery code."),
        widget=forms.TextInput(attrs=CODE),
    )
    credential = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        account: Account,
        *args: Any,
        elsewhere: bool = False,
        code: bool = False,
        passkeys: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if not (account.has_usable_password() or elsewhere):
            del self.fields["current_password"]
        if not account.second_factor or not (code or "current_password" not in self.fields):
            del self.fields["code"]
        if not passkeys or "code" not in self.fields:
            del self.fields["credential"]
        elif self.data.get("credential"):
            self.fields["code"].required = False


class PasskeyForm(forms.Form):
    """What a passkey is called."""

    name = forms.CharField(
        label=_("Name"),
        max_length=64,
        validators=[validate_name],
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", "passkey_%s")
        super().__init__(*args, **kwargs)


class NewPasskeyForm(ProofForm):
    """A passkey's name, and the proof that it is its owner who adds it; ``free`` of that where nothing is there yet."""

    name = PasskeyForm.base_fields["name"]
    field_order = ("name",)

    def __init__(self, account: Account, *args: Any, free: bool = False, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", "passkey_%s")
        super().__init__(account, *args, **kwargs)
        for proof in ("current_password", "code") if free else ():
            self.fields.pop(proof, None)
