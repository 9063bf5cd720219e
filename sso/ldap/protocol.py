"""What the pages ask of a directory: the test of a form, and who has a username."""

from django.utils.translation import gettext as _

from sso import limits
from sso.claims import Check, Person, ProviderRefused
from sso.ldap.directory import Directory, Found
from sso.ldap.refusals import NotThere
from sso.models import Provider


class LdapProtocol:
    def find(self, provider: Provider, username: str) -> Person:
        """Who has this username there. Raises ProviderRefused, ProviderSilent."""
        return Directory(provider.ldap).look_up(username).person

    def try_out(self, provider: Provider, username: str) -> tuple[list[Check], Person | None, ProviderRefused | None]:
        """Connect, bind, look for what the settings name, find the person and ask what the groups say.

        Returns what was checked, who it is, and why this person would be refused.
        """
        directory, checks = Directory(provider.ldap), list[Check]()
        try:
            limits.ask(provider.ldap.url, directory.told(lambda: _look_around(directory, checks)), paused=False)
        except ProviderRefused as refused:
            return [*checks, Check(False, _next_step(checks), str(refused))], None, None
        if not all(check.passed for check in checks):
            return checks, None, None
        if not username:
            return [*checks, Check(False, _("Person"), _("Type a username to find."))], None, None
        try:
            found = directory.look_up(username, paused=False)
        except NotThere:
            sentence = _("Nobody, or more than one, has %(attribute)s “%(name)s” in the User Search.")
            told = {"attribute": provider.ldap.user_id_attribute, "name": username}
            return [*checks, Check(False, _("Person"), sentence % told)], None, None
        except ProviderRefused as refused:
            return [*checks, Check(False, _("Person"), str(refused))], None, None
        checks.append(Check(True, _("Person"), _("Found %(dn)s.") % {"dn": found.dn}))
        checks += _outcomes(found)
        try:
            found.check()
        except ProviderRefused as refused:
            return checks, found.person, refused
        return checks, found.person, None


PROTOCOL = LdapProtocol()


def _steps() -> tuple[str, str]:
    return _("Connection"), _("Admin Bind")


def _next_step(checks: list[Check]) -> str:
    """The name of the step in which it broke off."""
    steps = _steps()
    return steps[len(checks)] if len(checks) < len(steps) else _("Search")


def _look_around(directory: Directory, checks: list[Check]) -> None:
    """Notes each step that was passed; raises where one was not."""
    row, (connection, bind) = directory.row, _steps()
    user = directory.nobody()
    user.greet()
    how = _("Encrypted, and the certificate is right.") if row.use_tls else _("Not encrypted: passwords can be read.")
    checks.append(Check(True, connection, _("%(server)s answers. %(how)s") % {"server": row.url, "how": how}))
    user._bind()
    who = row.admin_bind_dn or _("nobody (anonymous)")
    checks.append(Check(True, bind, _("Bound as %(who)s.") % {"who": who}))
    named = [(_("User Search DN"), row.user_search_dn), (_("Group Search DN"), row.group_search_dn)]
    named += [(_("Require Group"), row.require_group), (_("Deny Group"), row.deny_group)]
    for label, dn in [*named, (_("Superuser Group"), row.superuser_group)]:
        if dn:
            there = user.exists(dn)
            says = _("%(dn)s is there.") if there else _("There is no %(dn)s, or the Admin Bind DN may not see it.")
            checks.append(Check(there, label, says % {"dn": dn}))


def _outcomes(found: Found) -> list[Check]:
    """What each rule says of the person; that somebody is kept out is no fault of the settings."""
    judged, name = found.judgement, found.person.username
    rules = {
        _("Require Group"): judged.required,
        _("Deny Group"): judged.denied,
        _("Superuser Group"): judged.superuser,
    }
    member, stranger = _("%(name)s is a member of the %(group)s."), _("%(name)s is not a member of the %(group)s.")
    lines = [
        Check(True, _("Membership"), (member if word else stranger) % {"name": name, "group": label})
        for label, word in rules.items()
        if word is not None
    ]
    state = found.disabled or _("The account is not disabled in the directory.")
    return [*lines, Check(True, _("State"), state)]
