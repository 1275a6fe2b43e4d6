import codecs

import pytest

from kedang_platform.i18n import translate
from kedang_tenants.imports.encodings import recognise_encoding
from kedang_tenants.imports.errors import WrongEncoding

CHINESE = "名称,城市\n上海吉祥软件有限公司,上海\n北京如意商贸有限公司,北京\n"
TRADITIONAL = "名稱,地址\n台灣積體電路製造股份有限公司,新竹市\n鴻海精密工業股份有限公司,台北市信義區\n"
WESTERN = "name,city\nFrédérique Citeaux,Strasbourg\nKöniglich Essen,Brandenburg\nMère Paillarde,Montréal\n"
JAPANESE = "会社名,住所\n株式会社日立製作所,東京都千代田区\n"


def file_of(tmp_path, content: bytes):
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    return path


@pytest.mark.requirement("A9")
@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (CHINESE.encode(), "utf-8"),
        (WESTERN.encode(), "utf-8"),
        (b"name\nplain\n", "utf-8"),
        (codecs.BOM_UTF8 + CHINESE.encode(), "utf-8-sig"),
        (CHINESE.encode("utf-16"), "utf-16"),
        (codecs.BOM_UTF16_BE + CHINESE.encode("utf-16-be"), "utf-16"),
        (CHINESE.encode("gb18030"), "gb18030"),
        (TRADITIONAL.encode("gb18030"), "gb18030"),
        (WESTERN.encode("gb18030"), "gb18030"),
    ],
)
def test_the_encoding_is_found_by_looking(tmp_path, content, encoding):
    assert recognise_encoding(file_of(tmp_path, content)) == encoding


@pytest.mark.requirement("A9")
@pytest.mark.parametrize(
    ("content", "line"),
    [
        (WESTERN.encode("latin-1"), 2),
        (WESTERN.encode("cp1252") + b"\x81\n", 2),
        (JAPANESE.encode("shift_jis"), 1),
        (TRADITIONAL.encode("big5"), 1),
        (CHINESE.encode() + b"\xff\xfe broken\n", 4),
        (b"name\nplain\nwith \x00 inside\n", 3),
        (CHINESE.encode("utf-16-le"), 1),
        (codecs.BOM_UTF8 + b"name\nplain\n\xc3(\n", 3),
    ],
)
def test_what_would_come_in_as_nonsense_is_refused_with_its_line(tmp_path, content, line):
    with pytest.raises(WrongEncoding) as refused:
        recognise_encoding(file_of(tmp_path, content))
    assert refused.value.code == "WRONG_ENCODING"
    assert str(refused.value) == (f"Line {line} cannot be read. Please save the file in UTF-8 or GB18030.")
    assert "{" not in translate(refused.value.message, "zh-CN", refused.value.params)


def test_a_fault_far_into_a_large_file_is_found(tmp_path):
    line = "上海吉祥软件有限公司,上海\n".encode()
    content = line * 60_000 + b"caf\xe9,x\n" + line * 10
    with pytest.raises(WrongEncoding) as refused:
        recognise_encoding(file_of(tmp_path, content))
    assert refused.value.params == {"line": 60_001}
