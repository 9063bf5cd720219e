"""What administrators may type about mail."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agora.base.forms import RadioCards, Switch
from agora.base.models import Unreadable
from mail.models import FIELDS, MailSettings, Mode
from mail.services.messages import ascii_address
from mail.smtp import Server

if TYPE_CHECKING:
    SettingsForm = forms.ModelForm[MailSettings]
else:
    SettingsForm = forms.ModelForm  # generic for the type checker only

NARROW = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}


class MailForm(SettingsForm):
    """The page Mail. Only the chosen mode's fields count: what stands in the others is neither checked nor saved."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1)

    port = forms.IntegerField(
        label=gettext_lazy("Port"),
        min_value=1,
        max_value=65535,
        help_text=gettext_lazy("587 with TLS, 465 with SSL."),
    )
    timeout = forms.IntegerField(
        label=gettext_lazy("Timeout"),
        min_value=1,
        max_value=60,
        help_text=gettext_lazy("Seconds to wait for each answer of the server, at most 60."),
    )

    class Meta:
        model = MailSettings
        fields = ("mode", *FIELDS)
        widgets = {
            "mode": RadioCards,
            "host": forms.TextInput(attrs=NARROW),
            "from_email": forms.EmailInput(attrs=NARROW),
            "username": forms.TextInput(attrs=NARROW),
            "password": forms.PasswordInput(attrs={"autocomplete": "new-password"}),
            "use_tls": Switch,
            "use_ssl": Switch,
            "fail_silently": Switch,
        }
        help_texts = {
            "host": gettext_lazy("Name or address of the SMTP server."),
            "from_email": gettext_lazy("The sender that people see."),
            "username": gettext_lazy("Empty: the server asks for none."),
            "use_tls": gettext_lazy("The conversation is encrypted with STARTTLS before anything is sent."),
            "use_ssl": gettext_lazy("The connection is encrypted from its first byte."),
            "fail_silently": gettext_lazy(
                "Who causes a mail that can't be made sees no error. The outbox still says that it failed."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["version"] = self.instance.version
        self.stored = str(self.instance.password)
        self.unreadable = isinstance(self.instance.password, Unreadable)
        self.initial["password"] = ""  # never sent back
        self.fields["password"].help_text = _("Stored. Empty: unchanged.") if self.stored else _("Not set.")
        self.fields["port"].widget.attrs |= {"inputmode": "numeric"}
        for name, sentence in (("host", _("Name the mail server.")), ("from_email", _("Name the sender."))):
            self.fields[name].required = True  # where the mode is the mail server; else it does not count
            self.fields[name].error_messages["required"] = sentence
        relay = settings.MAIL_RELAY
        mode: Any = self.fields["mode"]
        mode.choices = [one for one in Mode.choices if one[0] != Mode.RELAY or relay]
        mode.widget.descriptions = {
            Mode.RELAY: _("Through the operator's relay, from %(sender)s.") % {"sender": relay.sender} if relay else "",
            Mode.SERVER: _("Through your own SMTP server."),
            Mode.NONE: _("Nothing is sent. Pages that would send mail say so."),
        }

    @property
    def is_overtaken(self) -> bool:
        """Did somebody else save since this form was opened? For forms that were checked."""
        return self.cleaned_data.get("version", self.instance.version) != self.instance.version

    def clean_from_email(self) -> str:
        address: str = self.cleaned_data["from_email"]
        try:
            return ascii_address(address) if address else ""
        except UnicodeError as error:
            raise ValidationError(_("Type an address without umlauts before the @.")) from error

    def clean_host(self) -> str:
        host: str = self.cleaned_data["host"].strip().lower()
        colons = ":" if host.count(":") == 1 else ""  # an IPv6 address has several
        if not host.isprintable() or any(letter in host for letter in f"/@ {colons}"):
            raise ValidationError(_("Type only the name or address; the port has a field of its own."))
        return host

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if values.get("mode") != Mode.SERVER:
            for name in FIELDS:
                self._errors.pop(name, None)  # type: ignore[attr-defined]
                values[name] = getattr(self.instance, name)
            return values
        if values.get("use_tls") and values.get("use_ssl"):
            self.add_error("use_ssl", _("Use TLS and Use SSL exclude each other. Turn one of them off."))
        if values.get("password") and not values.get("username") and "username" not in self.errors:
            self.add_error("username", _("A password needs a username."))
        if values.get("username") and not values.get("password") and not self.errors and self._moved(values):
            before = self.instance
            kept = {"server": f"{before.host}:{before.port}", "username": before.username}
            say = _(
                "Type the password again: the stored one is for %(username)s at %(server)s, encrypted as it was, "
                "and goes nowhere else."
            )
            self.add_error("password", say % kept)
        return values

    def _moved(self, values: dict[str, Any]) -> bool:
        """Would the stored password go where its owner never sent it? Only who knows it may say so."""
        way = ("host", "port", "username", "use_tls", "use_ssl")
        return bool(self.stored) and any(values[name] != getattr(self.instance, name) for name in way)

    def _post_clean(self) -> None:
        """The model's own checks are this form's; its fields are set by the service, not here."""

    @property
    def server(self) -> Server | None:
        """Where mail would go with what is typed; for forms that are valid."""
        values = {name: self.cleaned_data[name] for name in ("mode", *FIELDS)}
        if values["username"]:
            values["password"] = values["password"] or self.stored
        return MailSettings(**values).server


class TestForm(forms.Form):
    """Where the test mail goes."""

    __test__ = False  # a form, whatever pytest thinks
    to = forms.EmailField(
        label=gettext_lazy("Send the test to"),
        max_length=254,
        widget=forms.EmailInput(attrs=NARROW | {"data-passing": ""}),
    )

    def clean_to(self) -> str:
        to: str = self.cleaned_data["to"]
        try:
            ascii_address(to)
        except UnicodeError as error:
            raise ValidationError(_("Type an address without umlauts before the @.")) from error
        return to
