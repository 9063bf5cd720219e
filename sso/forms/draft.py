"""Everything that is typed about one provider, on one page."""

from typing import Any

from django import forms
from django.db.models import Model
from django.utils.translation import gettext as _

from sso.forms.kind import KindForm
from sso.forms.ldap import LdapForm
from sso.forms.openid import OpenIdForm
from sso.forms.provider import GroupRoleForms, ProviderForm, lines_of
from sso.forms.saml import SamlForm
from sso.models import GroupRole, Kind, Provider
from sso.services.testing import ROWS

FORMS: dict[str, type[KindForm]] = {Kind.OPENID: OpenIdForm, Kind.SAML: SamlForm, Kind.LDAP: LdapForm}


class Draft:
    """The forms of one provider, saved or new. Valid, it gives the provider as it was typed, which is not saved."""

    def __init__(self, kind: str, data: Any = None, *, provider: Provider | None = None, person: int) -> None:
        # Rows of their own: what the forms write into them is nobody else's.
        saved = Provider.objects.with_settings().get(pk=provider.pk) if provider else Provider(kind=kind)
        row: Model = saved.settings if provider else ROWS[kind]()
        self.kind, self.saved = kind, provider
        self.common = ProviderForm(data, instance=saved)
        self.settings = FORMS[kind](data, instance=row, person=person)
        self.groups = GroupRoleForms(data, prefix="groups", initial=lines_of(provider))

    @property
    def parts(self) -> tuple[Any, ...]:
        return self.common, self.settings, self.groups

    def is_valid(self) -> bool:
        valid = [part.is_valid() for part in self.parts]  # every one, for every error is to be shown
        if all(valid) and self.group_roles and not self.settings.reads_groups:
            # Else everybody would get the role of a new account, whatever stands in the lines.
            sentence = _("Fill this in: without it nobody's groups are known, and the roles below rest on them.")
            self.settings.add_error(self.settings.groups_from, sentence)
            return False
        return all(valid)

    @property
    def is_bound(self) -> bool:
        return self.common.is_bound

    @property
    def version(self) -> int:
        return self.common.cleaned_data.get("version") or 0

    @property
    def unsaved(self) -> int:
        """How many fields of a form that came back differ from what is saved."""
        return (
            sum(len(form.changed_data) for form in (self.common, self.settings, *self.groups)) if self.is_bound else 0
        )

    @property
    def provider(self) -> Provider:
        provider: Provider = self.common.instance
        setattr(provider, self.kind, self.settings.instance)
        return provider

    @property
    def group_roles(self) -> list[GroupRole]:
        lines = [form.cleaned_data for form in self.groups if form.cleaned_data.get("group")]
        return [GroupRole(position=place, group=line["group"], role=line["role"]) for place, line in enumerate(lines)]

    @property
    def complaints(self) -> list[tuple[str, str]]:
        """What has to be mended: (field, sentence)."""
        forms_: list[forms.BaseForm] = [self.common, self.settings, *self.groups]
        return [
            (str(form.fields[name].label) if name in form.fields else "", str(error))
            for form in forms_
            for name, errors in form.errors.items()
            for error in errors
        ]
