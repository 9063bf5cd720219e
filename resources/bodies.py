"""A file that is the body of a request: taken whole, as it is, and compared with its digest, or not at all."""

import base64
import binascii
import re
from collections.abc import Iterator
from contextlib import contextmanager

from django.http.request import UnreadablePostError
from django.utils.translation import gettext_lazy as _

from agora.base.errors import Refused
from agora.base.http import Request
from resources.files import CHUNK, Arrived, Arriving
from resources.services.recordings import BrokenOff, disk_full
from rest.errors import Invalid

SHA_256 = re.compile(r"(?:^|,)\s*sha-256\s*=", re.ASCII | re.IGNORECASE)
DIGEST = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):", re.ASCII)


class LengthRequired(Refused):
    status = 411
    message = _("Say how long the file is: send the header Content-Length.")


class PartOfAFile(Refused):
    """RFC 9110, 14.5: who does not understand it in a PUT takes a part for the whole."""

    status = 400
    message = _(
        "A part of a file (Content-Range) is not taken, nothing was kept. Send the whole file from its first byte."
    )


class Encoded(Refused):
    status = 415
    message = _("Send the file as it is, without the header Content-Encoding: packed, it would be kept packed.")


class UnreadableDigest(Refused):
    status = 400
    message = _(
        "The header Content-Digest can’t be read. Send sha-256=:…: with the 44 letters of Base64, or leave it out."
    )


class NotTheSame(Refused):
    status = 422
    message = _("What arrived is not what was sent: the checksums differ. Nothing of it was kept. Send the file again.")


@contextmanager
def received(request: Request, name: str) -> Iterator[Arrived]:
    """The whole file, written to the disk as it arrived; what the block does not keep is dropped.

    Raises LengthRequired, PartOfAFile, Encoded, UnreadableDigest, BrokenOff, DiskFull, NotTheSame, Invalid for an
    empty one.
    """
    length, wanted = _announced(request)
    try:
        arriving = Arriving()
    except OSError as error:
        raise disk_full(error) from error
    try:
        yield _arrived(request, arriving, name, length, wanted)
    finally:
        arriving.drop()


def _announced(request: Request) -> tuple[int, str]:
    """How long the body shall be, and its SHA-256 in hexadecimal where it came along."""
    length = request.headers.get("Content-Length", "")
    if not (length.isascii() and length.isdecimal() and len(length) < 19):
        raise LengthRequired
    if "Content-Range" in request.headers:
        raise PartOfAFile
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise Encoded
    digest = request.headers.get("Content-Digest", "")
    wanted = DIGEST.search(digest)
    if SHA_256.search(digest) and not wanted:
        raise UnreadableDigest
    return int(length), binascii.hexlify(base64.b64decode(wanted[1])).decode() if wanted else ""


def _arrived(request: Request, arriving: Arriving, name: str, length: int, wanted: str) -> Arrived:
    try:
        while data := request.read(CHUNK):
            arriving.write(data)
        file = arriving.arrived(name)
    except UnreadablePostError as error:
        raise BrokenOff from error
    except OSError as error:
        raise disk_full(error) from error
    if arriving.size != length:
        raise BrokenOff
    if wanted and wanted != file.checksum:
        raise NotTheSame
    if not arriving.size:
        raise Invalid([{"field": "", "code": "empty", "message": str(_("Send the file as the body: it is empty."))}])
    return file
