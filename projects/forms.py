"""What people type about projects."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.names import validate_name
from agora.base.models import fold
from projects.models import MY_AGORA, Project
from projects.roles import DESCRIPTIONS, ProjectRole
from projects.services.admin_mode import Ways

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Project]
else:
    ModelForm = forms.ModelForm  # generic for the type checker only


class ProjectForm(ModelForm):
    class Meta:
        model = Project
        fields = ("name", "description")
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "off"}),
            "description": forms.Textarea(attrs={"rows": 4}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.is_personal:
            del self.fields["name"]

    def clean_name(self) -> str:
        """Several projects may have the same name, but none that of the private one."""
        name: str = self.cleaned_data["name"]
        if fold(name) == fold(MY_AGORA):
            raise forms.ValidationError(_("MyAgora is the name of private projects. Choose another."))
        return name


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=_("Role"), choices=ProjectRole.choices)


class AddForm(RoleForm):
    """Somebody chosen from the search, by id."""

    account = forms.IntegerField(min_value=1, max_value=2**62, widget=forms.HiddenInput)


class TransferForm(forms.Form):
    """To whom; the choices are members, the owner left out."""

    account = forms.TypedChoiceField(label=_("New owner"), coerce=int, choices=[])

    def __init__(self, *args: Any, members: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"].choices = members  # type: ignore[attr-defined]


class DeleteForm(forms.Form):
    typed = forms.CharField(
        label=_("Type the name of the project to delete it"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": _("Type the name of the project.")},
    )


class AdminModeForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        validators=[validate_name],
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("Read by security. Name the request or ticket that asks for it."),
        error_messages={"required": _("Say why: security reads it.")},
    )
    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        required=False,
    )
    code = forms.CharField(
        label=_("Or a code of your authenticator app"),
        max_length=64,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autocapitalize": "none"}),
        help_text=_("A recovery code does as well; it counts once."),
    )

    def __init__(self, *args: Any, ways: Ways, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not ways.code:
            del self.fields["code"]
        if not ways.password:
            del self.fields["password"]
            if ways.code:
                self.fields["code"].label = _("Code of your authenticator app")

    @property
    def tried(self) -> str:
        """The field that the person confirmed with, for what is wrong with it."""
        return "password" if self.cleaned_data.get("password") or "code" not in self.fields else "code"

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        asked = [name for name in ("password", "code") if name in self.fields]
        if asked and not any(values.get(name) for name in asked):
            sentences = {"password": _("Type your password."), "code": _("Type a code.")}
            self.add_error(asked[0], sentences[asked[0]] if len(asked) == 1 else _("Type your password or a code."))
        return values


ROLE_CHOICES = [(role.value, role.label, DESCRIPTIONS[role]) for role in ProjectRole]
