"""The files of recordings: written as they arrive, read in ranges, never whole in memory."""

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header

CHUNK = 256 * 1024  # bytes read at once
ARRIVING = "arriving-"  # what the name of a file begins with while it is nobody's
ABANDONED = timedelta(hours=1)  # without a byte more
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII | re.IGNORECASE)


def path_of(pk: int) -> Path:
    """Where a recording's file is: named by its id alone, whatever its uploader called it."""
    return Path(settings.DATA_DIR) / "files" / "recordings" / str(pk)


class Arrived(UploadedFile):  # type: ignore[type-arg]  # generic for the type checker only
    """One whole file on the disk, not yet anybody's."""

    def __init__(self, path: Path, name: str, size: int, checksum: str) -> None:
        super().__init__(name=name, size=size)
        self.path, self.checksum = path, checksum

    def keep(self, pk: int) -> None:
        """Make it the recording's."""
        self.path.replace(path_of(pk))


class Arriving:
    """A file on its way to the disk, beside the others under a random name; its checksum is taken on the way.

    ``drop`` removes what was not kept: call it whatever happened. Raises OSError when the disk is full.
    """

    def __init__(self) -> None:
        folder = path_of(0).parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = folder / f"{ARRIVING}{secrets.token_hex(16)}"
        self.file: IO[bytes] = self.path.open("xb")
        self.digest, self.size = hashlib.sha256(), 0

    def write(self, data: bytes) -> None:
        self.file.write(data)
        self.digest.update(data)
        self.size += len(data)

    def arrived(self, name: str) -> Arrived:
        """The whole file."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        return Arrived(self.path, name, self.size, self.digest.hexdigest())

    def drop(self) -> None:
        with contextlib.suppress(OSError):  # what is still in the buffer may not fit on the disk
            self.file.close()
        self.path.unlink(missing_ok=True)


class ToDisk(FileUploadHandler):
    """Writes the one file of a form. ``drop`` removes what was not kept: call it whatever happened."""

    chunk_size = CHUNK

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self.arriving: Arriving | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        if self.arriving is not None:
            raise StopUpload(connection_reset=False)  # one file; what follows is read and thrown away
        self.arriving = Arriving()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        assert self.arriving is not None
        self.arriving.write(raw_data)

    def file_complete(self, file_size: int) -> Arrived:
        assert self.arriving is not None
        return self.arriving.arrived(self.file_name or "")

    def drop(self) -> None:
        if self.arriving is not None:
            self.arriving.drop()


def left_behind(now: datetime) -> Iterator[Path]:
    """What arrived and became nobody's, and that nobody has written to for an hour: its process was killed."""
    folder = path_of(0).parent
    for path in sorted(folder.glob(f"{ARRIVING}*")) if folder.is_dir() else ():
        with contextlib.suppress(FileNotFoundError):  # it was kept or dropped in between
            if now - datetime.fromtimestamp(path.stat().st_mtime, tz=UTC) > ABANDONED:
                yield path


def answer(request: HttpRequest, path: Path, *, name: str, checksum: str) -> HttpResponseBase:
    """The file, or the part that ``Range`` asks for (RFC 9110, 14.2), in constant memory. The checksum is its ETag."""
    etag = f'"{checksum}"'
    known = [one.strip().removeprefix("W/") for one in request.headers.get("If-None-Match", "").split(",")]
    if etag in known or known == ["*"]:  # by weak comparison (RFC 9110, 13.1.2)
        response = HttpResponse(status=304)
        response["ETag"] = etag
        return response
    size = path.stat().st_size
    wanted = request.headers.get("Range", "") if request.method == "GET" else ""
    if request.headers.get("If-Range", etag) != etag:
        wanted = ""
    asked = part(wanted, size)
    first, last = asked or (0, size - 1)
    if asked and first > last:
        refusal = HttpResponse(status=416)
        refusal["Content-Range"] = f"bytes */{size}"
        return refusal
    body = pieces(path, first, last - first + 1) if request.method != "HEAD" else iter(())
    found = StreamingHttpResponse(body, status=206 if asked else 200, content_type="application/octet-stream")
    found["Content-Length"] = str(last - first + 1)
    if asked:
        found["Content-Range"] = f"bytes {first}-{last}/{size}"
    found["Accept-Ranges"], found["ETag"] = "bytes", etag
    found["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    found["X-Accel-Buffering"] = "no"
    return found


def part(wanted: str, size: int) -> tuple[int, int] | None:
    """The first and last byte of the one range asked for; None for none, several or what is no range: the whole file.

    The first lies behind the last where the file has no such part.
    """
    found = RANGE.fullmatch(wanted)
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        return (max(0, size - int(found[2])), size - 1) if int(found[2]) else (1, 0)
    first = int(found[1])
    last = min(int(found[2]), size - 1) if found[2] else size - 1
    if found[2] and int(found[2]) < first:
        return None
    return (first, last) if first < size else (1, 0)


def pieces(path: Path, first: int, length: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(first)
        while length > 0 and (piece := file.read(min(CHUNK, length))):
            length -= len(piece)
            yield piece
