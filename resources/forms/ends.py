"""What people may type about an input or a push: one form for each kind, with that kind's fields alone."""

import re
from ipaddress import ip_address
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.forms.seen import seen
from accounts.names import validate_name
from resources.models import Device, Input, Push
from resources.models.ends import InputKind, PushKind
from resources.models.streamer import validate_hostname

NARROW = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
# RFC 3986, without user, password and fragment.
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[A-Za-z0-9\-._~%!$&'()*+,;=:/?\[\]]+")
STEP = re.compile(r"[\w .,()+=@-]+")  # one name of a path
# What cameras and platforms call a secret in an address, in its query or, as some cameras do, in its path.
SECRET = re.compile(
    r"[/?&;,]([\w.-]*(?:passw(?:or)?d|passphrase|pwd|secret|token|credential|(?:api|stream|auth|access)[_-]?key)[\w.-]*"
    r"|pass|pw|psw|key|auth|sig|signature)=[^/?&;,]",
    re.IGNORECASE,
)


def validate_group(value: str) -> None:
    """Raises ValidationError for what is no multicast address (RFC 5771, RFC 4291)."""
    try:
        found = ip_address(value).is_multicast
    except ValueError:
        found = False
    if not found:
        raise ValidationError(_("Type a multicast address, 224.0.0.0 to 239.255.255.255 or ff00::/8."))


def validate_path(value: str) -> None:
    """Raises ValidationError for what could leave the streamer's folder of files."""
    parts = value.split("/")
    if not all(STEP.fullmatch(part) and part.strip() and part not in (".", "..") for part in parts):
        raise ValidationError(
            _("Type a path below the streamer's folder of files, without “/” before it and “..”: news/intro.mp4.")
        )


def check_url(value: str, schemes: tuple[str, ...], *, secret: Any) -> str:
    """Raises ValidationError for another scheme, a missing host, or a user, password or key in it.

    Who sees the stream reads its addresses; only what is typed into the field ``secret`` is encrypted.
    """
    sentence = _("Type an address that begins with %(schemes)s.") % {"schemes": " / ".join(f"{s}://" for s in schemes)}
    try:
        parts = urlsplit(value)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise ValidationError(sentence) from error
    if parts.username is not None or parts.password is not None or "@" in unquote(parts.netloc):
        raise ValidationError(_("Leave user and password out of the address: they have fields of their own."))
    if parts.scheme not in schemes or not host or port == 0 or not ADDRESS.fullmatch(value):
        raise ValidationError(sentence)
    if found := SECRET.search(unquote(value)):
        facts = {"name": found[1], "field": secret}
        raise ValidationError(
            _(
                "Leave “%(name)s” out of the address, which is not kept secret. Type its value under “%(field)s”: "
                "that is encrypted."
            )
            % facts
        )
    return value


class EndForm(forms.Form):
    """The fields of one kind. ``values`` is what the service takes: a secret only when it is another one.

    A stored secret is never sent back: empty means unchanged, and it goes to no other address than the one it is for.
    """

    places: tuple[str, ...] = ()  # where the secret goes
    secret_label: Any = ""
    shortest, longest = 1, 200

    def __init__(self, *args: Any, end: Input | Push, streamer_seen: bool, **kwargs: Any) -> None:
        self.end, self.stored, self.streamer_seen = end, bool(end.secret), streamer_seen
        names = [name for name in self.base_fields if end.pk]
        super().__init__(*args, **kwargs | {"initial": {name: getattr(end, name) for name in names}})
        if self.secret_label:
            hidden = forms.PasswordInput(attrs={"autocomplete": "new-password"})
            say = _("Stored. Empty: unchanged.") if self.stored else _("Empty: none.")
            self.fields["secret"] = forms.CharField(
                label=self.secret_label,
                required=False,
                strip=False,
                min_length=self.shortest,
                max_length=self.longest,
                validators=[validate_name],
                widget=hidden,
                help_text=say,
            )
        if self.stored:
            self.fields["forget"] = forms.BooleanField(label=_("Remove the stored one"), required=False)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        kept = self.stored and not values.get("secret") and not values.get("forget")
        before = {name: getattr(self.end, name) for name in self.places} | seen(self)
        if kept and not self.errors and any(values[name] != before[name] for name in self.places):
            self.add_error(
                "secret", _("Type it again: the stored one is for the address before and goes nowhere else.")
            )
        return values

    @property
    def values(self) -> dict[str, Any]:
        """By the names of the model's fields."""
        found = {name: self.cleaned_data[name] for name in self.base_fields}
        if self.cleaned_data.get("secret"):
            found["secret"] = self.cleaned_data["secret"]
        elif self.cleaned_data.get("forget"):
            found["secret"] = ""
        return found


class PublishForm(EndForm):
    secret_label = gettext_lazy("Password of the publisher")


class MulticastForm(EndForm):
    host = forms.CharField(
        label=gettext_lazy("Group address"),
        max_length=45,
        validators=[validate_group],
        widget=forms.TextInput(attrs=NARROW | {"placeholder": "239.1.1.1"}),
    )
    port = forms.IntegerField(label=gettext_lazy("Port"), min_value=1, max_value=65535)
    program = forms.IntegerField(
        label=gettext_lazy("Program"),
        min_value=1,
        max_value=65535,
        required=False,
        help_text=gettext_lazy("Its number in the transport stream; empty: the first."),
    )

    def clean_host(self) -> str:
        return str(ip_address(self.cleaned_data["host"]))


class SrtForm(EndForm):
    """Passphrases of SRT have 10 to 79 letters (SRTO_PASSPHRASE)."""

    places = ("host", "port")
    secret_label = gettext_lazy("Passphrase")
    shortest, longest = 10, 79

    host = forms.CharField(
        label=gettext_lazy("Host"),
        max_length=253,
        validators=[validate_hostname],
        widget=forms.TextInput(attrs=NARROW | {"placeholder": "camera1.example.com"}),
    )
    port = forms.IntegerField(label=gettext_lazy("Port"), min_value=1, max_value=65535)


class RtspForm(EndForm):
    places = ("url", "username")
    secret_label = gettext_lazy("Password")

    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=500,
        widget=forms.TextInput(attrs=NARROW | {"placeholder": "rtsp://camera1.example.com/main"}),
    )
    username = forms.CharField(
        label=gettext_lazy("Username"),
        max_length=100,
        required=False,
        validators=[validate_name],
        widget=forms.TextInput(attrs=NARROW),
    )

    def clean_url(self) -> str:
        return check_url(self.cleaned_data["url"], ("rtsp", "rtsps"), secret=self.secret_label)


class DeviceInputForm(EndForm):
    device = forms.ModelChoiceField(
        Device.objects.none(), label=gettext_lazy("Device"), empty_label=None,
        help_text=gettext_lazy("One of the streamer's; its card has the tab Devices."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast("forms.ModelChoiceField[Device]", self.fields["device"])
        of_streamer = Device.objects.of_streamer(self.end.stream.resource.parent_id or 0)
        set_one = getattr(self.end, "device_id", None)
        field.queryset = of_streamer if self.streamer_seen else of_streamer.filter(pk=set_one or 0)
        if not self.streamer_seen:
            field.help_text = _("You may not see the streamer, so none of its other devices can be chosen by you.")


class FileForm(EndForm):
    path = forms.CharField(
        label=gettext_lazy("File"),
        max_length=500,
        validators=[validate_path],
        widget=forms.TextInput(attrs=NARROW | {"placeholder": "news/intro.mp4"}),
        help_text=gettext_lazy("Below the streamer's folder of files."),
    )


class RtmpForm(EndForm):
    places = ("url",)
    secret_label = gettext_lazy("Stream key")

    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=500,
        widget=forms.TextInput(attrs=NARROW | {"placeholder": "rtmps://live.example.com/app"}),
        help_text=gettext_lazy("Without the stream key."),
    )

    def clean_url(self) -> str:
        return check_url(self.cleaned_data["url"], ("rtmp", "rtmps"), secret=self.secret_label)


FORMS: dict[type[Input] | type[Push], dict[str, type[EndForm]]] = {
    Input: {
        InputKind.PUBLISH: PublishForm,
        InputKind.MULTICAST: MulticastForm,
        InputKind.SRT: SrtForm,
        InputKind.RTSP: RtspForm,
        InputKind.DEVICE: DeviceInputForm,
        InputKind.FILE: FileForm,
    },
    Push: {PushKind.MULTICAST: MulticastForm, PushKind.SRT: SrtForm, PushKind.RTMP: RtmpForm},
}
