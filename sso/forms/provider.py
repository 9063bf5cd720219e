"""What is the same for all kinds: name, alias, whom it lets in, and the roles of its groups."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.roles import Role
from agora.base.forms import Switch
from sso.forms import NARROW, ProviderModelForm
from sso.models import GroupRole, Kind, Provider

MOST_GROUPS = 200


class ProviderForm(ProviderModelForm):
    """``version`` says which state of the row the person saw."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1, required=False)

    class Meta:
        model = Provider
        fields = (
            "name", "alias", "enabled", "link_by_username", "create_accounts", "new_account_role", "ask_second_factor",
        )  # fmt: skip
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "off"}),
            "alias": forms.TextInput(attrs=NARROW),
            "enabled": Switch,
            "link_by_username": Switch,
            "create_accounts": Switch,
            "ask_second_factor": Switch,
        }
        help_texts = {
            "name": _("What people read on the sign-in page."),
            "alias": _("Part of the addresses that the provider is told. Changing it later breaks them."),
            "enabled": _("Disabled, nobody signs in through it; open sessions go on."),
            "link_by_username": _(
                "Whoever has the same username there becomes the existing account here. Superusers are never linked so."
            ),
            "create_accounts": _(
                "Off: only accounts that are linked already, or that you link on their cards, come in."
            ),
            "new_account_role": _("Also the role of whoever is in none of the groups below, where there are any."),
            "ask_second_factor": _("Who signs in through it is asked for the second factor of this server as well."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["version"] = self.instance.version
        if self.instance.kind == Kind.LDAP:  # a password: asked in any case
            del self.fields["ask_second_factor"]

    def clean_alias(self) -> str:
        return str(self.cleaned_data["alias"]).lower()


class GroupRoleForm(forms.Form):
    """One line of the mapping; without a group it is no line."""

    group = forms.CharField(
        label=_("Group"), max_length=500, required=False, widget=forms.TextInput(attrs=NARROW | {"size": 40})
    )
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, required=False)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("group") and not values.get("role"):
            self.add_error("role", _("Choose the role of this group."))
        return values


GroupRoleForms = forms.formset_factory(GroupRoleForm, extra=3, max_num=MOST_GROUPS, absolute_max=MOST_GROUPS + 3)


def lines_of(provider: Provider | None) -> list[dict[str, str]]:
    """The saved mapping as the forms take it."""
    if provider is None:
        return []
    return [{"group": row.group, "role": row.role} for row in GroupRole.objects.filter(provider=provider)]
