"""Resources and grants for the bench, and the same grants as rows of django-guardian."""

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction

from accounts.models import Account
from agora.base.models import fold
from bench import seed
from resources.models import Grant, Recording, Resource, Stream, Streamer
from resources.roles import Kind

# A system role of None, so that only grants count, as with django-guardian; and a Viewer.
HEAVY, TENTH, FEW, PLAIN = range(seed.FIRST_SEEDED, seed.FIRST_SEEDED + 4)
FEW_GRANTS = 100  # all of them on streams, whatever the number of resources
STREAMERS, STREAMS = 1, 60  # percent; the rest are recordings
FIRST = POPULAR = 5_000  # ids; the popular stream was given to everybody


def fill(resources: int, grants: int) -> None:
    """``resources`` and about ``grants`` grants, a fifth as many accounts as resources."""
    accounts = max(500, resources // 5)
    seed.fill(Account, seed.accounts(accounts))
    for pk, role in ((HEAVY, "none"), (TENTH, "none"), (FEW, "none"), (PLAIN, "viewer")):
        Account.objects.filter(pk=pk).update(role=role, is_active=True, locked_at=None, locked_by_id=None,
                                             locked_by_name="", lock_reason="")  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # the rows fit: asked below
        seed.fill(Resource, rows(resources))
        for statement in PARTS:
            cursor.execute(statement)
        values = {"first": FIRST, "resources": resources, "accounts": accounts, "people": seed.FIRST_SEEDED}
        values |= {"heavy": HEAVY, "tenth": TENTH, "few": FEW, "popular": POPULAR, "some": FEW_GRANTS}
        values |= {"apart": resources * STREAMS // 100 // FEW_GRANTS}
        cursor.execute(GRANTS, values | {"each": max(1, (grants - resources - accounts) // accounts)})
        kind = ContentType.objects.get_for_model(Resource)
        permission = Permission.objects.get(content_type=kind, codename="view_resource")
        cursor.execute(GUARDIAN, {"permission": permission.pk, "kind": kind.pk})
        for table in ("resources_resource", "resources_grant", "guardian_userobjectpermission"):
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"VACUUM (ANALYZE) {table}")
        cursor.execute("CHECKPOINT")
    _check()


def rows(total: int) -> Iterator[dict[str, Any]]:
    """Streams, then recordings of them, then their streamers."""
    streamers, streams = max(1, total * STREAMERS // 100), total * STREAMS // 100
    for number in range(total):
        if number < streams:
            kind, parent = "stream", FIRST + total - 1 - number % streamers
            name = f"studio-{number * 2_654_435_761 % 2**32:08x}-{number}"  # in no order
        elif number < total - streamers:
            kind, parent, name = "recording", FIRST + number * 7_919 % streams, f"take-{number}"
        else:
            kind, parent, name = "streamer", None, f"origin{number}.example.com"
        title = f"Rounds {number}" if kind == "recording" else ""
        yield {
            "id": FIRST + number,
            "search_text": "\n".join(filter(None, (fold(name), fold(title)))),
            "kind": kind,
            "parent_id": parent,
            "name": name,
            "name_key": fold(name),
            "title": title,
            "label_key": fold(title or name),
            "created_at": seed.START + seed.SPAN * (number / total),
            "created_by_name": "root",
            "modified_at": seed.START + seed.SPAN,
            "permissions_version": 1,
        }


TABLES = ("accounts_account", "resources_resource", "resources_streamer", "resources_stream", "resources_recording",
          "resources_grant", "guardian_userobjectpermission")  # fmt: skip


def part(model: type[Any], kind: str, **values: str) -> str:
    """The rows of a kind's own table; columns that are not named get their model's default."""
    columns = {"resource_id": "id"}
    for field in model._meta.concrete_fields[1:]:
        default = field.get_default()
        usual = "NULL" if default is None else f"'{default}'"
        columns[field.column] = values.get(field.name, usual)
    table, names = model._meta.db_table, ", ".join(columns)
    chosen = f"SELECT {', '.join(columns.values())} FROM resources_resource WHERE kind = '{kind}'"
    return f"INSERT INTO {table} ({names}) {chosen}"


PARTS = (
    part(Streamer, "streamer"),
    part(Stream, "stream"),
    part(Recording, "recording", checksum="repeat('0', 64)", size="1000000"),
)
# Each account gets ``each`` of the resources, in no order; roles and ends as they come up in life.
GRANTS = """
INSERT INTO resources_grant (account_id, resource_id, role, ends_at, reason, granted_at, granted_by_id,
    granted_by_name, end_noted)
SELECT account, resource, role, NULL, '', now(), 1, 'root', false FROM (
    SELECT %(people)s + a AS account, %(first)s + (a * 31::bigint + k * 2267::bigint) %% %(resources)s AS resource,
        CASE WHEN (a + k) %% 5 < 3 THEN 'viewer' WHEN (a + k) %% 5 = 3 THEN 'editor' ELSE 'administrator' END AS role
    FROM generate_series(4, %(accounts)s - 1) a, generate_series(0, %(each)s - 1) k
    UNION ALL SELECT %(heavy)s, %(first)s + n, 'viewer' FROM generate_series(0, %(resources)s - 1) n
    UNION ALL SELECT %(tenth)s, %(first)s + n, 'viewer' FROM generate_series(0, %(resources)s - 1, 10) n
    UNION ALL SELECT %(few)s, %(first)s + n * %(apart)s, 'viewer' FROM generate_series(0, %(some)s - 1) n
    UNION ALL SELECT %(people)s + a, %(popular)s, 'viewer' FROM generate_series(1, %(accounts)s - 1) a
) wanted ON CONFLICT DO NOTHING
"""
GUARDIAN = """
INSERT INTO guardian_userobjectpermission (permission_id, content_type_id, object_pk, user_id)
SELECT %(permission)s, %(kind)s, resource_id::text, account_id FROM resources_grant
"""


def _check() -> None:
    """The seeded rows are what the models would have written, and nothing hangs in the air."""
    for resource in Resource.objects.order_by("pk").with_facts()[:500]:
        if resource.search_text != resource.folded() or getattr(resource, resource.kind) is None:
            raise AssertionError(f"{resource} is not what its model writes.")
    if not Resource.objects.of_kind(Kind.STREAM).filter(pk=POPULAR).exists():
        raise AssertionError("There is no stream with the id of the popular one.")
    whole = Grant.objects.filter(account__pk__gt=0, resource__pk__gt=0, resource__kind__gt="").count()
    if whole != Grant.objects.count():
        raise AssertionError("A grant hangs in the air.")
