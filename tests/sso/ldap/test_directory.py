"""What a real OpenLDAP server says of its people: scopes, kinds of groups, states and names, over TLS."""

import pytest

from sso.claims import ProviderRefused
from sso.ldap.directory import Directory
from sso.ldap.refusals import NotThere, WrongPassword
from tests.services.slapd import Slapd
from tests.sso.ldap.conftest import CLINIC, SECRET, STUDIO, MakeDirectory, person

PEOPLE, GROUPS = f"ou=people,{CLINIC}", f"ou=groups,{CLINIC}"


def test_a_person_is_found_and_the_password_checked_over_start_tls(directory: MakeDirectory) -> None:
    found = Directory(directory().ldap).sign_in("eva", SECRET)
    assert (found.person.username, found.person.email, found.person.first_name, found.person.last_name) == (
        "eva", "eva@example.org", "Eva", "Eva",
    )  # fmt: skip
    assert len(found.person.subject) == 36
    assert "userPassword" not in found.person.raw
    found.check()


@pytest.mark.parametrize("password", ["", "wrong", SECRET + " ", "\0" + SECRET])
def test_another_password_is_refused_and_an_empty_one_is_no_anonymous_bind(
    directory: MakeDirectory, password: str
) -> None:
    with pytest.raises(WrongPassword):
        Directory(directory().ldap).sign_in("eva", password)


@pytest.mark.parametrize(
    ("scope", "base", "sees"),
    [
        ("base", f"uid=eva,{PEOPLE}", {"eva"}),
        ("base", PEOPLE, set()),
        ("one", PEOPLE, {"eva", "max"}),
        ("sub", PEOPLE, {"eva", "max", "wanda"}),
        ("sub", f"uid=eva,{PEOPLE}", {"eva"}),
        ("subordinate", PEOPLE, {"eva", "max", "wanda"}),
        ("subordinate", f"uid=eva,{PEOPLE}", set()),
    ],
)
def test_the_scopes_see_what_they_should(directory: MakeDirectory, scope: str, base: str, sees: set[str]) -> None:
    asked = Directory(directory(user_search_dn=base, user_search_scope=scope).ldap)
    seen = set()
    for name in ("eva", "max", "wanda"):
        try:
            seen.add(asked.look_up(name).person.username)
        except NotThere:
            continue
    assert seen == sees


@pytest.mark.parametrize(
    ("scope", "groups"), [("base", ()), ("one", ("chiefs", "staff")), ("sub", ("chiefs", "staff"))]
)
def test_groups_are_searched_as_deep_as_they_should_be(
    directory: MakeDirectory, scope: str, groups: tuple[str, ...]
) -> None:
    found = Directory(directory(group_search_scope=scope).ldap).look_up("eva")
    assert tuple(sorted(name for name in found.person.groups if "=" not in name)) == groups


@pytest.mark.parametrize(
    ("kind", "group", "member", "stranger"),
    [
        ("group_of_names", "chiefs", "eva", "max"),
        ("group_of_names", "staff", "eva", "olaf"),  # by way of the chiefs
        ("group_of_unique_names", "unique", "eva", "max"),
        ("posix_group", "posix", "eva", "max"),
        ("posix_group", "primary", "pia", "eva"),
        ("member_of", "chiefs", "eva", "max"),
        ("active_directory", "staff", "eva", "olaf"),
    ],
)
def test_each_kind_of_group_knows_its_members(
    directory: MakeDirectory, kind: str, group: str, member: str, stranger: str
) -> None:
    # Another case and spaces: a directory compares names without regard to either.
    asked = Directory(directory(group_type=kind, require_group=f"CN={group}, {GROUPS}").ldap)
    assert asked.look_up(member).judgement.required is True
    assert asked.look_up(stranger).judgement.required is False


def test_a_name_full_of_signs_that_mean_something_is_found_and_is_a_member(directory: MakeDirectory) -> None:
    asked = Directory(directory(require_group=f"cn=staff,{GROUPS}").ldap)
    found = asked.sign_in("jane", SECRET)
    assert found.judgement.required is True
    assert found.dn.startswith("cn=doe\\")


@pytest.mark.parametrize("kind", ["group_of_names", "group_of_unique_names", "posix_group", "active_directory"])
def test_a_percent_sign_in_a_name_is_a_letter_like_others(slapd: Slapd, directory: MakeDirectory, kind: str) -> None:
    number = kind.replace("_", "")
    half, group = f"uid=100%s {number},{PEOPLE}", f"cn=50% {number},{GROUPS}"
    slapd.add(person(f"100%s {number}", half))
    classes = {"group_of_unique_names": "groupOfUniqueNames", "posix_group": "posixGroup"}
    members = {"group_of_unique_names": f"uniqueMember: {half}", "posix_group": f"memberUid: 100%s {number}"}
    member = members.get(kind, f"member: {half}") + ("\ngidNumber: 77" if kind == "posix_group" else "")
    slapd.add(f"dn: {group}\nobjectClass: {classes.get(kind, 'groupOfNames')}\ncn: 50% {number}\n{member}\n")
    found = Directory(directory(group_type=kind, require_group=group).ldap).sign_in(f"100%s {number}", SECRET)
    assert found.judgement.required is True
    assert f"50% {number}" in found.person.groups


def test_deny_wins_over_require(directory: MakeDirectory) -> None:
    row = directory(require_group=f"cn=staff,{GROUPS}", deny_group=f"cn=banned,{GROUPS}").ldap
    Directory(row).sign_in("max", SECRET).check()
    with pytest.raises(ProviderRefused) as refused:
        Directory(row).sign_in("dora", SECRET).check()
    assert refused.value.reason == "deny_group"
    with pytest.raises(ProviderRefused) as refused:
        Directory(row).sign_in("olaf", SECRET).check()
    assert refused.value.reason == "require_group"


KINDS = ("group_of_names", "group_of_unique_names", "posix_group", "member_of", "active_directory")


@pytest.mark.parametrize("kind", KINDS)
def test_a_deny_group_that_is_not_there_lets_nobody_in(directory: MakeDirectory, kind: str) -> None:
    with pytest.raises(ProviderRefused) as refused:
        Directory(directory(group_type=kind, deny_group=f"cn=baned,{GROUPS}").ldap).sign_in("eva", SECRET)
    assert refused.value.reason == "deny_group_missing"


@pytest.mark.parametrize(("attribute", "name"), [("uid", "first"), ("uid", "second"), ("cn", "twice"), ("cn", "plain")])
def test_a_deny_group_of_usernames_knows_each_name_of_a_person(
    directory: MakeDirectory, attribute: str, name: str
) -> None:
    row = directory(group_type="posix_group", deny_group=f"cn=outside,{GROUPS}", user_id_attribute=attribute).ldap
    assert Directory(row).sign_in(name, SECRET).judgement.denied is True


@pytest.mark.parametrize("kind", KINDS)
def test_who_is_listed_in_a_deny_group_of_another_kind_is_denied_as_well(directory: MakeDirectory, kind: str) -> None:
    for group in ("chiefs", "unique", "posix"):
        row = directory(f"{kind.replace('_', '-')}-{group}", group_type=kind, deny_group=f"cn={group},{GROUPS}").ldap
        assert Directory(row).look_up("eva").judgement.denied is True
        assert Directory(row).look_up("max").judgement.denied is False


@pytest.mark.parametrize("field", ["deny_group", "require_group", "superuser_group"])
def test_a_group_whose_members_can_not_be_read_says_nothing_about_anybody(directory: MakeDirectory, field: str) -> None:
    """Nobody comes in, nobody is taken for a stranger, and nobody loses the superuser's flag."""
    blind = {"admin_bind_dn": f"uid=blind,{PEOPLE}", "admin_bind_password": SECRET}
    row = directory(group_type="member_of", **{field: f"cn=banned,{GROUPS}"}, **blind).ldap
    with pytest.raises(ProviderRefused) as refused:
        Directory(row).sign_in("dora", SECRET)
    assert refused.value.reason == f"{field}_unreadable"


def test_a_name_that_fits_makes_nobody_a_superuser_whom_the_group_does_not_mean(directory: MakeDirectory) -> None:
    """Many people may change their ``cn`` themselves."""
    row = directory(group_type="posix_group", superuser_group=f"cn=outside,{GROUPS}", user_id_attribute="cn").ldap
    assert Directory(row).sign_in("plain", SECRET).judgement.superuser is False


@pytest.mark.parametrize("name", ["gone", "past"])
def test_accounts_that_the_directory_disabled_are_refused_with_the_right_password(
    directory: MakeDirectory, name: str
) -> None:
    found = Directory(directory().ldap).sign_in(name, SECRET)
    with pytest.raises(ProviderRefused) as refused:
        found.check()
    assert refused.value.reason == "disabled"


INJECTIONS = [
    "*", "e*", "eva)(uid=*", "*)(objectClass=*", "eva)(|(uid=*", "\\2a", "eva\\00", "(", ")", "eva)(!(uid=eva", "|",
    "&", "eva,ou=people", "e\x01va", "é", "%s", "%(user)s", "\ud83d\ude00" * 20, "a" * 250,
]  # fmt: skip


@pytest.mark.parametrize("name", INJECTIONS)
def test_what_is_typed_is_a_name_and_never_a_filter(directory: MakeDirectory, name: str) -> None:
    with pytest.raises(NotThere):
        Directory(directory().ldap).look_up(name)


def test_one_person_in_two_entries_is_nobody(directory: MakeDirectory) -> None:
    row = directory(user_id_attribute="objectClass").ldap  # a value that everybody has
    with pytest.raises(NotThere):
        Directory(row).look_up("inetOrgPerson")


def test_a_wrong_admin_password_is_told_apart_from_a_wrong_one_of_the_person(directory: MakeDirectory) -> None:
    with pytest.raises(ProviderRefused) as refused:
        Directory(directory(admin_bind_password="wrong").ldap).sign_in("eva", SECRET)
    assert refused.value.reason == "admin_bind"


def test_a_base_that_is_not_there_is_said(directory: MakeDirectory) -> None:
    with pytest.raises(ProviderRefused) as refused:
        Directory(directory(user_search_dn=f"ou=nowhere,{CLINIC}").ldap).look_up("eva")
    assert refused.value.reason == "no_such_base"


def test_each_of_1500_people_is_found_and_known_to_be_a_member(slapd: Slapd, directory: MakeDirectory) -> None:
    """More than the 500 entries that the server gives in one answer, and more than Active Directory's 1,000."""
    unit = f"ou=many,{PEOPLE}"
    names = [f"user{number:04}" for number in range(1_500)]
    ldif = f"dn: {unit}\nobjectClass: organizationalUnit\n\n"
    ldif += "".join(person(name, f"uid={name},{unit}") for name in names)
    members = "".join(f"member: uid={name},{unit}\n" for name in names)
    ldif += f"dn: cn=everybody,{GROUPS}\nobjectClass: groupOfNames\ncn: everybody\n{members}\n"
    slapd.add(ldif)
    for kind in ("group_of_names", "member_of"):
        row = directory(kind.replace("_", "-"), require_group=f"cn=everybody,{GROUPS}", group_type=kind).ldap
        for name in ("user0000", "user0742", "user1499"):
            found = Directory(row).sign_in(name, SECRET)
            assert (found.person.username, found.judgement.required) == (name, True)
        assert Directory(row).look_up("olaf").judgement.required is False
    with pytest.raises(NotThere):
        Directory(row).look_up("user*")


def test_the_subject_stays_when_somebody_is_renamed_and_moved(slapd: Slapd, directory: MakeDirectory) -> None:
    slapd.add(person("nina", f"uid=nina,{PEOPLE}"))
    before = Directory(directory().ldap).look_up("nina").person
    moved = f"dn: uid=nina,{PEOPLE}\nchangetype: modrdn\nnewrdn: uid=nina.berg\ndeleteoldrdn: 1\n"
    slapd.change(moved + f"newsuperior: ou=wards,{PEOPLE}\n")
    after = Directory(directory("again").ldap).look_up("nina.berg").person
    assert (after.subject, after.username) == (before.subject, "nina.berg")


def test_active_directorys_subject_is_read_from_its_octets(slapd: Slapd, directory: MakeDirectory) -> None:
    """Also where the octets happen to be a text: "ABCDEFGHIJKLMNOP" is one, and a number of 16 octets as well."""
    slapd.add(
        person("alma", f"uid=alma,{PEOPLE}", classes="adPerson", objectGUID="ABCDEFGHIJKLMNOP")
        + person("bert", f"uid=bert,{PEOPLE}", classes="adPerson", **{"objectGUID:": "/wD/AP8A/wD/AP8A/wD/AA=="})
    )
    asked = Directory(directory().ldap)
    assert asked.look_up("alma").person.subject == "44434241-4645-4847-494a-4b4c4d4e4f50"
    assert asked.look_up("bert").person.subject == "00ff00ff-00ff-00ff-ff00-ff00ff00ff00"


def test_referrals_are_not_followed(slapd: Slapd, directory: MakeDirectory, silent_port: int) -> None:
    slapd.add(
        f"dn: ou=elsewhere,ou=people,{STUDIO}\nobjectClass: referral\nobjectClass: extensibleObject\nou: elsewhere\n"
        f"ref: ldap://127.0.0.1:{silent_port}/dc=elsewhere\n\n",
        STUDIO,
    )
    found = Directory(directory("studio", suffix=STUDIO).ldap).look_up("eva")
    assert found.person.username == "eva"
