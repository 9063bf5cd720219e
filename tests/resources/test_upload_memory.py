"""Files of any size go up and down through a process that keeps little of them: measured on a real web server."""

import json
import re
from hashlib import sha256
from pathlib import Path

import pytest
from django.conf import settings

from accounts.models import Account
from resources.models import Resource
from resources.roles import Kind
from resources.services.streamer_keys import make_key
from tests.conftest import Make
from tests.services.server import PIECE, Server, form, pieces, server

SIZE = 100  # megabytes
LARGE = 3_072  # megabytes
LIMIT = 256 * 2**20
GROWTH = 24 * 2**20  # what a request may need beyond what the process has anyway


def upload(web: Server, cookie: str, megabytes: int) -> str:
    """By the form of the page; returns where it leads."""
    page, text = web.send("GET", "/recordings/new/", Cookie=cookie)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', text.decode())
    assert page.status == 200 and token
    csrf = (page.getheader("Set-Cookie") or "").partition(";")[0]
    fields = {"csrfmiddlewaretoken": token[1], "title": "Big", "whole": "on"}
    length, body = form(megabytes, fields)
    answer, said = web.send(
        "POST", "/recordings/new/", body, Cookie=f"{cookie}; {csrf}", Content_Length=str(length),
        Content_Type="multipart/form-data; boundary=agora-upload",
    )  # fmt: skip
    assert answer.status == 302, said[:2000]
    return answer.getheader("Location") or ""


@pytest.mark.django_db(transaction=True)
def test_a_large_file_up_and_down_in_little_memory(
    make: Make, connie: Account, origin: Resource, studio: Resource, tmp_path: Path
) -> None:
    key = make_key(origin, actor=make.actor())
    session = make.client(connie).cookies[settings.SESSION_COOKIE_NAME].value
    cookie = f"{settings.SESSION_COOKIE_NAME}={session}"
    with server(tmp_path) as web:
        web.cap(LIMIT)
        upload(web, cookie, 1)
        before = web.peak()
        where = upload(web, cookie, SIZE)
        assert web.peak() - before < GROWTH, "the form's file"
        bearer = {"Authorization": f"Bearer {key}"}
        _answer, said = web.send(
            "POST", "/api/v1/streamer/recordings", b'{"stream": "studio-2", "id": "r-1"}', **bearer
        )
        path = f"/api/v1/streamer/recordings/{json.loads(said)['id']}/file"
        answer, said = web.send("PUT", path, pieces(SIZE), Content_Length=str(SIZE * len(PIECE)), **bearer)
        assert (answer.status, json.loads(said)["size"]) == (200, SIZE * len(PIECE))
        assert web.peak() - before < GROWTH, "the streamer's file"
        connection = web.connect()
        connection.request("GET", f"{where}download/", headers={"Cookie": cookie})
        down, digest = connection.getresponse(), sha256()
        while piece := down.read(2**20):
            digest.update(piece)
        connection.close()
        assert web.peak() - before < GROWTH, "the download"
        assert web.peak() < LIMIT
    whole = sha256()
    for piece in pieces(SIZE):
        whole.update(piece)
    sums = {row.recording.checksum for row in Resource.objects.with_facts().of_kind(Kind.RECORDING) if row.name}
    assert sums == {whole.hexdigest()} and digest.hexdigest() == whole.hexdigest()


@pytest.mark.django_db(transaction=True)
def test_three_gigabytes_through_a_process_that_gets_256_megabytes(make: Make, connie: Account, tmp_path: Path) -> None:
    session = make.client(connie).cookies[settings.SESSION_COOKIE_NAME].value
    with server(tmp_path) as web:
        web.cap(LIMIT)
        upload(web, f"{settings.SESSION_COOKIE_NAME}={session}", LARGE)
        assert web.peak() < LIMIT
    made = Resource.objects.with_facts().get(kind=Kind.RECORDING)
    file = tmp_path / "files" / "recordings" / str(made.pk)
    assert made.recording.size == file.stat().st_size == LARGE * len(PIECE)
    file.unlink()  # pytest keeps the folders of its last runs
