"""What people may type about streamers, streams, sessions and recordings."""

import unicodedata
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from accounts.names import validate_name
from agora.base.forms import Switch
from resources.forms.choice import ResourceField
from resources.models.resource import ResourceQuerySet
from resources.models.stream import validate_system_name
from resources.models.streamer import Place, Scheme, validate_hostname
from resources.roles import Action


class StreamerForm(forms.Form):
    """A streamer; only the hostname is needed."""

    name = forms.CharField(
        label=_("Hostname"),
        max_length=253,
        validators=[validate_hostname],
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "streamer1.example.com"}
        ),
    )
    scheme = forms.ChoiceField(label=_("Scheme"), choices=Scheme.choices, initial=Scheme.HTTPS, required=False)
    api_port = forms.IntegerField(label=_("API port"), min_value=1, max_value=65535, initial=443, required=False)
    place = forms.ChoiceField(
        label=_("Kind"),
        choices=Place.choices,
        initial=Place.ORIGIN,
        required=False,
        help_text=_("An origin takes streams in; an edge hands them to many viewers."),
    )

    def clean_name(self) -> str:
        return str(self.cleaned_data["name"])

    def clean(self) -> dict[str, Any]:
        """What was left empty has its usual value."""
        values = super().clean() or {}
        usual = {"scheme": Scheme.HTTPS, "place": Place.ORIGIN}
        for name, value in usual.items():
            if name in values:
                values[name] = values[name] or value.value
        if values.get("api_port", 0) is None:
            values["api_port"] = 80 if values.get("scheme") == Scheme.HTTP else 443
        return values


class StreamForm(forms.Form):
    """A stream of a streamer that stays the same."""

    name = forms.CharField(
        label=_("System name"),
        max_length=100,
        validators=[validate_system_name],
        help_text=_("Part of its addresses: letters, digits, “-”, “_” and “.”."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    title = forms.CharField(label=_("Title"), max_length=200, required=False, validators=[validate_name])
    enabled = forms.BooleanField(label=_("Enabled"), required=False, initial=True, widget=Switch)
    recorded = forms.BooleanField(label=_("Record"), required=False, widget=Switch)


class NewStreamForm(StreamForm):
    """A new stream: also of which streamer, one that the person sees."""

    streamer = ResourceField(label=_("Streamer"))
    field_order = ["streamer", "name", "title", "enabled", "recorded"]

    def __init__(self, *args: Any, streamers: ResourceQuerySet, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast("ResourceField", self.fields["streamer"])
        field.offer(streamers, str(self.initial.get("streamer", "")))


class CredentialForm(forms.Form):
    """The edit credential of a streamer; what is stored is never sent back."""

    credential = forms.CharField(
        label=_("Edit credential"),
        max_length=200,
        strip=False,
        validators=[validate_name],
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("What the streamer asks of whoever edits it there, such as user:password."),
    )


class SessionForm(forms.Form):
    """What people call a stream session."""

    title = forms.CharField(label=_("Title"), max_length=200, validators=[validate_name])


class RecordingForm(forms.Form):
    """What people call a recording."""

    title = forms.CharField(label=_("Title"), max_length=200, validators=[validate_name])


class NewRecordingForm(RecordingForm):
    """A new recording: also of which stream, one that the person sees."""

    parent = ResourceField(label=_("Made from"), required=False, nothing=_("Nothing here: the file alone"))

    def __init__(self, *args: Any, parents: ResourceQuerySet, parent_needed: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast("ResourceField", self.fields["parent"])
        field.required = field.widget.is_required = parent_needed
        field.nothing = _("Choose one") if parent_needed else field.nothing
        field.offer(parents, str(self.initial.get("parent", "")))


class UploadForm(NewRecordingForm):
    """The file as well. ``whole`` follows it in the form: without it the upload broke off."""

    file = forms.FileField(label=_("File"), max_length=255)
    whole = forms.BooleanField(required=False, widget=forms.HiddenInput, initial=True)


class DeleteForm(forms.Form):
    """The title once more, before a file is gone for ever; of a streamer or stream its name, where files go with it."""

    title = forms.CharField(
        label=_("Type the title to delete it"), max_length=255, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    def __init__(self, *args: Any, title: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.wanted = title

    def clean_title(self) -> str:
        if _as_read(self.cleaned_data["title"]) != _as_read(self.wanted):
            raise forms.ValidationError(_("This is something else. Nothing was deleted."))
        return self.wanted


def _as_read(text: str) -> str:
    """Browsers show several spaces as one, and no reader tells how an “é” is composed."""
    return " ".join(unicodedata.normalize("NFC", text).split())


class ReachForm(forms.Form):
    """Why may one account do this with a resource, or not? The resource as people call it, or by its id."""

    resource = forms.CharField(
        label=_("Resource"),
        max_length=255,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("Hostname, system name, title or id."),
    )
    action = forms.ChoiceField(label=_("Action"), choices=Action.choices)


class WhyForm(forms.Form):
    """Which account, and what it would do. ``only``: the one account that the person may ask about."""

    account = forms.CharField(
        label=_("Username"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    action = forms.ChoiceField(label=_("Action"), choices=Action.choices)

    def __init__(self, *args: Any, only: Account | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.only = only

    def clean_account(self) -> Account:
        found: Account | None = Account.objects.named(self.cleaned_data["account"]).first()
        if self.only and found != self.only:
            raise forms.ValidationError(_("You may ask about yourself. Editors may ask about everybody."))
        if found is None:
            raise forms.ValidationError(_("There is no account with this username."))
        return found
