"""What administrators may type about the server."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from agora.base.forms import LengthField, Switch
from settings_admin.models import ServerSettings, addresses
from settings_admin.services import GENERAL

if TYPE_CHECKING:
    SettingsForm = forms.ModelForm[ServerSettings]
else:
    SettingsForm = forms.ModelForm  # generic for the type checker only


class GeneralForm(SettingsForm):
    """The page General. ``version`` says which state of the row the person saw."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1)
    idle_limit = LengthField(
        label=_("Idle limit"),
        help_text=_("A session ends after so long without a request. Open sessions follow at once."),
    )
    absolute_limit = LengthField(
        label=_("Absolute limit"), help_text=_("A session ends so long after the sign-in, however busy it is.")
    )

    class Meta:
        model = ServerSettings
        fields = GENERAL
        widgets = {
            "hostname": forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
            "allow_registration": Switch,
            "two_factor_required": Switch,
            "allow_api_keys": Switch,
            "send_error_mails": Switch,
            "error_recipients": forms.TextInput(attrs={"autocomplete": "off", "inputmode": "email"}),
            "allow_feedback": Switch,
            "everyone_creates_projects": Switch,
            "tell_impersonated": Switch,
            "zip_stream": Switch,
        }
        help_texts = {
            "hostname": _("The name by which browsers reach this server, with its port unless that is the usual one."),
            "allow_registration": _("Anyone who can reach this server may make an account, with the role None."),
            "two_factor_required": _(
                "Everyone who signs in with a password sets up an authenticator app at the next sign-in."
            ),
            "allow_api_keys": _("Scripts and media servers may sign in with API keys."),
            "send_error_mails": _("Errors of the server are sent by mail. Nothing is sent while mail is off."),
            "error_recipients": _("Comma-separated addresses. Empty: all superusers with an e-mail address."),
            "allow_feedback": _("A button in the bar lets everyone who is signed in write to the administrators."),
            "everyone_creates_projects": _(
                "With any other role they may in any case. Everybody has a private MyAgora."
            ),
            "tell_impersonated": _("Who acted as them, when and how; without the reason, which security reads."),
            "zip_stream": _("Packages are made while they are downloaded, without space on the server's disk."),
            "max_download_gb": _("The largest package that one download may make on the server's disk."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["version"] = self.instance.version
        self.fields["hostname"].show_hidden_initial = False  # Django's choice where a default is a function

    def clean_hostname(self) -> str:
        """In lower case; a name with other letters in the form that the network knows (RFC 3490)."""
        hostname: str = self.cleaned_data["hostname"].lower()
        try:
            return hostname if hostname.isascii() else hostname.encode("idna").decode()
        except UnicodeError:
            return hostname

    def clean_error_recipients(self) -> str:
        return ", ".join(dict.fromkeys(addresses(self.cleaned_data["error_recipients"])))
