"""Our signing key as a service provider: made on first use, renewed with overlap so that no sign-in fails meanwhile.

1. *Announce*: the next key is made and published in our metadata beside the active one; providers read it.
2. *Switch*: the next key signs, the previous one still decrypts what was encrypted for it.
3. *Retire*: the previous one is forgotten.
"""

from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from agora.base.actor import Actor
from agora.base.errors import Refused
from agora.base.models import Unreadable
from audit.events import event
from audit.services import record
from sso.claims import ProviderRefused
from sso.models import SigningKey
from sso.models.saml import KeyState
from sso.saml.toolkit import Pair

SIZE = 3072  # bits; NIST SP 800-57: until beyond 2030
LASTS = timedelta(days=3650)
MADE = event("signing_key.made", _("Signing key made"))
SWITCHED = event("signing_key.switched", _("Signing key switched"))
RETIRED = event("signing_key.retired", _("Signing key retired"))
SIGNS_FIRST = (KeyState.ACTIVE, KeyState.NEXT, KeyState.PREVIOUS)


class NothingAnnounced(Refused):
    status = 409
    message = _("There is no next key yet. Announce one first, and let every provider read our metadata.")


class AlreadyAnnounced(Refused):
    status = 409
    message = _("The next key is announced already. Switch to it once every provider has read our metadata.")


class StillOverlapping(Refused):
    status = 409
    message = _("The previous key is still there. Retire it first.")


def active_key(*, actor: Actor) -> SigningKey:
    """The key that signs; made now if there is none."""
    found: SigningKey | None = SigningKey.objects.active().first()
    if found is not None:
        return found
    try:
        return _made(KeyState.ACTIVE, actor=actor)
    except IntegrityError:  # another process was first
        made: SigningKey = SigningKey.objects.active().get()
        return made


def pairs(*, actor: Actor) -> tuple[Pair, ...]:
    """All our keys that can be read, the one that signs first. Raises ProviderRefused when that one can't be."""
    active_key(actor=actor)
    rows = {row.state: row for row in SigningKey.objects.all() if not isinstance(row.private_key, Unreadable)}
    if KeyState.ACTIVE not in rows:
        raise ProviderRefused("unreadable_key", _("The signing key is encrypted with another key; renew it."))
    return tuple(Pair(rows[state].private_key, rows[state].certificate) for state in SIGNS_FIRST if state in rows)


def announced() -> list[SigningKey]:
    """The keys in our metadata: the one that signs and the one that will."""
    rows = {row.state: row for row in SigningKey.objects.all()}
    return [rows[state] for state in (KeyState.ACTIVE, KeyState.NEXT) if state in rows]


def announce_key(*, actor: Actor) -> SigningKey:
    """Make the next key. Raises AlreadyAnnounced, StillOverlapping."""
    active_key(actor=actor)
    if SigningKey.objects.filter(state=KeyState.PREVIOUS).exists():
        raise StillOverlapping
    try:
        return _made(KeyState.NEXT, actor=actor)
    except IntegrityError:
        raise AlreadyAnnounced from None


def switch_key(*, actor: Actor) -> SigningKey:
    """Sign with the next key from now on. Raises NothingAnnounced."""
    with transaction.atomic():
        rows = {row.state: row for row in SigningKey.objects.select_for_update().order_by("pk")}
        following, active = rows.get(KeyState.NEXT), rows.get(KeyState.ACTIVE)
        if following is None or active is None:
            raise NothingAnnounced
        _move(active, KeyState.PREVIOUS)
        _move(following, KeyState.ACTIVE)
        record(SWITCHED, actor=actor, target=following, previous=str(active))
    return following


def retire_key(*, actor: Actor) -> None:
    """Forget the previous key. Does nothing where there is none."""
    with transaction.atomic():
        row = SigningKey.objects.select_for_update().filter(state=KeyState.PREVIOUS).first()
        if row is not None:
            record(RETIRED, actor=actor, target=row)
            row.delete()


def _move(row: SigningKey, state: KeyState) -> None:
    row.state = state
    row.save(update_fields=["state"])


def _made(state: KeyState, *, actor: Actor) -> SigningKey:
    key = rsa.generate_private_key(65537, SIZE)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Agora")])
    until = actor.at + LASTS
    builder = x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    # An hour back: the provider's clock may be behind ours.
    made = builder.not_valid_before(actor.at - timedelta(hours=1)).not_valid_after(until).sign(key, hashes.SHA256())
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()
    with transaction.atomic():
        row = SigningKey.objects.create(
            state=state, certificate=made.public_bytes(serialization.Encoding.PEM).decode(), private_key=private,
            created_at=actor.at, not_after=until,
        )  # fmt: skip
        record(MADE, actor=actor, target=row, state=state)
    return row
