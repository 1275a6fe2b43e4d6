import asyncio
import hashlib
import io
import os
import stat
import zipfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedang_platform.clock import FixedClock
from kedang_platform.database import CompanyRef, WallError
from kedang_platform.files import (
    KINDS,
    DownloadGrant,
    FileIncomplete,
    FileKindRefused,
    FileLinks,
    FileMissing,
    FileTooLarge,
    LinkExpired,
    LinkInvalid,
    LocalFiles,
    UploadGrant,
    kind_of,
    receive,
)
from kedang_platform.secrets import SecretKey

NORTHWIND = CompanyRef(UUID(int=1), "t_northwind")
RIVAL = CompanyRef(UUID(int=2), "t_rivalandsons")
CSV = "客户,电话\n阿里,010\n".encode()


def package(*members: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for member in members:
            archive.writestr(member, "<x/>")
    return made.getvalue()


XLSX = package("[Content_Types].xml", "xl/workbook.xml")
DOCX = package("[Content_Types].xml", "word/document.xml")
CONTENTS = {
    "JSONL": b'{"name": "Alfreds"}\n',
    "CSV": CSV,
    "TXT": "Grüße".encode("latin-1"),
    "XLSX": XLSX,
    "DOCX": DOCX,
    "PDF": b"%PDF-1.7\n",
    "PNG": b"\x89PNG\r\n\x1a\n....",
    "JPEG": b"\xff\xd8\xff\xe0....",
}


async def in_chunks(content: bytes, size: int = 7):
    for start in range(0, len(content), size):
        yield content[start : start + size]


def everything_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def store(tmp_path) -> LocalFiles:
    return LocalFiles(tmp_path / "files")


async def read(store: LocalFiles, company: CompanyRef, content_id: UUID) -> bytes:
    return b"".join([piece async for piece in store.open(company, content_id)])


async def test_what_is_put_comes_out_again(store, tmp_path):
    content = os.urandom(600_000)
    stored = await store.put(NORTHWIND, in_chunks(content, 64 * 1024))
    assert stored.size == len(content) == await store.size(NORTHWIND, stored.content_id)
    assert stored.sha256 == hashlib.sha256(content).hexdigest()
    assert await read(store, NORTHWIND, stored.content_id) == content
    async with store.local_path(NORTHWIND, stored.content_id) as path:
        assert path.read_bytes() == content
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    name = stored.content_id.hex
    assert everything_in(tmp_path) == [f"files/t_northwind/{name[:2]}/{name[2:4]}/{name}"]


async def test_no_company_reaches_anothers_files(store):
    stored = await store.put(NORTHWIND, in_chunks(CSV))
    with pytest.raises(FileMissing):
        await read(store, RIVAL, stored.content_id)
    await store.delete(RIVAL, stored.content_id)
    assert await read(store, NORTHWIND, stored.content_id) == CSV
    with pytest.raises(WallError):
        await store.size(replace(NORTHWIND, schema="../t_northwind"), stored.content_id)


async def test_a_deleted_file_is_gone_and_may_be_deleted_again(store, tmp_path):
    stored = await store.put(NORTHWIND, in_chunks(CSV))
    await store.delete(NORTHWIND, stored.content_id)
    await store.delete(NORTHWIND, stored.content_id)
    assert everything_in(tmp_path) == []
    for asking in (store.size(NORTHWIND, stored.content_id), read(store, NORTHWIND, stored.content_id)):
        with pytest.raises(FileMissing):
            await asking


async def test_a_stream_that_breaks_off_leaves_nothing(store, tmp_path):
    async def broken():
        yield b"x" * 300_000
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await store.put(NORTHWIND, broken())
    assert everything_in(tmp_path) == []


async def test_a_cancelled_stream_leaves_nothing(store, tmp_path):
    begun = asyncio.Event()

    async def endless():
        yield b"x" * 300_000
        begun.set()
        await asyncio.Event().wait()
        yield b""

    putting = asyncio.create_task(store.put(NORTHWIND, endless()))
    await begun.wait()
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    assert everything_in(tmp_path) == []


@pytest.mark.parametrize("kind", sorted(name for name, kind in KINDS.items() if kind.taken))
async def test_each_kind_is_taken_when_its_content_is_right(store, kind):
    content = CONTENTS[kind]
    stored = await receive(
        store, company=NORTHWIND, chunks=in_chunks(content), kind=KINDS[kind], size=len(content)
    )
    assert await read(store, NORTHWIND, stored.content_id) == content


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("CSV", XLSX), ("CSV", b"a,b\0c"), ("CSV", b"%PDF-1.4"), ("TXT", b"\x89PNG\r\n\x1a\n"), ("PNG", CSV), ("JPEG", b"GIF89a"),
        ("PDF", b"MZ\x90\0"), ("XLSX", CSV), ("XLSX", DOCX), ("DOCX", XLSX), ("XLSX", b"PK\x03\x04 and nothing more"),
        ("XLSX", package("[Content_Types].xml", "xl/workbook.xml", "xl/vbaProject.bin")),
        ("PNG", b"\x89PN"),
    ],
)  # fmt: skip
async def test_content_that_is_not_what_the_name_says_is_refused(store, tmp_path, kind, content):
    with pytest.raises(FileKindRefused):
        await receive(
            store, company=NORTHWIND, chunks=in_chunks(content), kind=KINDS[kind], size=len(content)
        )
    assert everything_in(tmp_path) == []


async def test_text_in_other_encodings_is_text(store):
    for content in ("客户".encode("gb18030"), "客户,电话".encode("utf-16"), b"\xef\xbb\xbfa,b", b""):
        stored = await receive(
            store, company=NORTHWIND, chunks=in_chunks(content), kind=KINDS["CSV"], size=len(content)
        )
        assert stored.size == len(content)


async def test_more_bytes_than_announced_are_refused_before_the_rest_is_read(store, tmp_path):
    sent = 0

    async def long():
        nonlocal sent
        for _ in range(1000):
            sent += 1
            yield b"x" * 1000

    with pytest.raises(FileTooLarge):
        await receive(store, company=NORTHWIND, chunks=long(), kind=KINDS["TXT"], size=5_500)
    assert sent == 6
    assert everything_in(tmp_path) == []


async def test_fewer_bytes_than_announced_are_refused(store, tmp_path):
    with pytest.raises(FileIncomplete):
        await receive(store, company=NORTHWIND, chunks=in_chunks(CSV), kind=KINDS["CSV"], size=len(CSV) + 1)
    assert everything_in(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.csv", "CSV"),
        ("A.XLSX", "XLSX"),
        ("客户 (2).jpeg", "JPEG"),
        ("b.jpg", "JPEG"),
        ("x.exe.txt", "TXT"),
    ],
)
def test_the_ending_says_the_kind(name, kind):
    assert kind_of(name).name == kind


@pytest.mark.parametrize("name", ["a.exe", "a.html", "a.svg", "a.xlsm", "a.zip", "csv", "", "a.csv.bat"])
def test_other_kinds_are_refused(name):
    with pytest.raises(FileKindRefused) as refused:
        kind_of(name)
    assert refused.value.code == "FILE_KIND_REFUSED"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def links(clock) -> FileLinks:
    return FileLinks(SecretKey(b"a key for tests"), clock)


UPLOAD = UploadGrant(uuid4(), uuid4(), 99_999_999, "XLSX")
DOWNLOAD = DownloadGrant(uuid4(), uuid4())


def test_a_link_says_what_was_signed_until_it_expires(links, clock):
    until = clock.now() + timedelta(minutes=5)
    upload, download = (
        links.sign_upload(UPLOAD, expires_at=until),
        links.sign_download(DOWNLOAD, expires_at=until),
    )
    assert links.read_upload(upload) == UPLOAD
    assert links.read_download(download) == DOWNLOAD
    clock.move(timedelta(minutes=5) - timedelta(seconds=1))
    assert links.read_download(download) == DOWNLOAD
    clock.move(timedelta(seconds=1))
    for reading in (lambda: links.read_upload(upload), lambda: links.read_download(download)):
        with pytest.raises(LinkExpired):
            reading()


def test_a_link_for_one_purpose_or_key_serves_no_other(links, clock):
    until = clock.now() + timedelta(minutes=5)
    upload, download = (
        links.sign_upload(UPLOAD, expires_at=until),
        links.sign_download(DOWNLOAD, expires_at=until),
    )
    others = FileLinks(SecretKey(b"another key"), clock)
    for reading in (
        lambda: links.read_download(upload),
        lambda: links.read_upload(download),
        lambda: others.read_upload(upload),
    ):
        with pytest.raises(LinkInvalid):
            reading()


@given(st.data())
def test_no_changed_link_is_good(data):
    clock = FixedClock()
    links = FileLinks(SecretKey(b"a key for tests"), clock)
    token = links.sign_upload(UPLOAD, expires_at=clock.now() + timedelta(minutes=5))
    place = data.draw(st.integers(0, len(token) - 2))  # the last sign has bits that mean nothing
    sign = data.draw(st.sampled_from("ABCxyz019-_").filter(lambda sign: sign != token[place]))
    with pytest.raises(LinkInvalid):
        links.read_upload(token[:place] + sign + token[place + 1 :])


@given(st.text(max_size=400))
def test_no_text_is_a_link(text):
    links = FileLinks(SecretKey(b"a key for tests"), FixedClock())
    with pytest.raises(LinkInvalid):
        links.read_download(text)
