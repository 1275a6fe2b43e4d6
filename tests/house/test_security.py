"""What docs/security.md says of the whole code: which dangerous things are nowhere, which are in one place."""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import httpx
import pytest

from tests.house.test_layout import ROOT
from tests.support import asvs

PACKAGES = ("platform", "tenants", "graphql", "workers", "migrations")


@cache
def sources():
    return [
        (file.relative_to(ROOT), ast.parse(file.read_text(encoding="utf-8")))
        for package in PACKAGES
        for file in sorted((ROOT / package).rglob("*.py"))
    ]


def dotted(node):
    """``os.system`` of such an expression; empty for any other."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def calls(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield dotted(node.func), node


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def places(wanted):
    """The files in which a call is of these names."""
    return {file.as_posix() for file, tree in sources() for name, _ in calls(tree) if name in wanted}


def test_the_list_of_the_asvs_is_current_and_names_what_exists():
    assert asvs.DOCUMENT.read_text(encoding="utf-8") == asvs.document(), "run `make requirements`"
    assert asvs.unknown_tests(asvs.SECURITY.read_text(encoding="utf-8")) == set()


def test_the_list_is_whole():
    named = list(asvs.lines())
    assert len(named) == len({name for name, *_ in named}) == 253
    assert sum(level == "1" for _, level, *_ in named) == 70


def test_a_line_that_answers_nothing_is_refused(tmp_path):
    source = tmp_path / "asvs.txt"
    for answer in ("nobody/test_it.py::it_is_so", "documented: docs/security.md#No such heading"):
        source.write_text(f"V1.1.1 2 | Asked | {answer}\n")
        with pytest.raises(asvs.Unanswered, match=r"V1\.1\.1 names"):
            asvs.document(source)
    source.write_text("V1.1.1 2 | Asked\n")
    with pytest.raises(asvs.Unanswered):
        asvs.document(source)


def test_no_shell_is_ever_asked():
    assert places({"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"}) == set()
    shells = [
        (file, ast.unparse(node))
        for file, tree in sources()
        for _, node in calls(tree)
        if any(keyword.arg == "shell" for keyword in node.keywords)
    ]
    assert shells == []


def test_nothing_evaluates_input():
    """Reading functions are generated from the catalogue's own names, in one place (ADR 6)."""
    assert places({"eval", "exec", "compile"}) == {"graphql/kedang_graphql/engine/composing.py"}
    assert places({"__import__", "builtins.exec"}) == set()


def test_nothing_unpacks_objects():
    dangerous = {"pickle", "marshal", "shelve", "dill", "yaml", "jsonpickle"}
    assert [
        (file, name)
        for file, tree in sources()
        for name in imported(tree)
        if name.partition(".")[0] in dangerous
    ] == []


def test_no_pattern_is_made_of_input():
    """Patterns stand in the code; one that is put together inside a function is made of escaped parts."""
    found = []
    for file, tree in sources():
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                for name, node in calls(function):
                    if name in {
                        "re.compile",
                        "re.match",
                        "re.search",
                        "re.fullmatch",
                        "re.sub",
                        "re.findall",
                    }:
                        pattern = node.args[0]
                        if isinstance(pattern, ast.JoinedStr) and "re.escape" not in ast.unparse(function):
                            found.append((file.as_posix(), ast.unparse(pattern)))
    assert found == []


def test_chance_comes_from_the_system():
    """What nobody may guess is of `secrets`; `random` spreads waits and chooses nothing that matters."""
    using = {file.as_posix() for file, tree in sources() if "random" in set(imported(tree))}
    assert using == {
        "migrations/kedang_migrations/applying.py",
        "platform/kedang_platform/database/pools.py",
        "platform/kedang_platform/work/retry.py",
        "platform/kedang_platform/work/runner.py",
    }


def test_algorithms_are_those_of_the_list():
    hashes = {
        (node.attr, file.name if node.attr == "sha1" else "")
        for file, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and dotted(node.value) == "hashlib"
    }
    assert hashes == {("sha256", ""), ("file_digest", ""), ("_Hash", ""), ("sha1", "breaches.py")}
    ciphers = {name for _, tree in sources() for name in imported(tree) if name.startswith("cryptography.")}
    assert ciphers <= {
        "cryptography.fernet.Fernet",
        "cryptography.fernet.InvalidToken",
        "cryptography.exceptions.InvalidTag",
        "cryptography.hazmat.primitives.ciphers.aead.AESGCM",
        "cryptography.hazmat.primitives.ciphers.aead.ChaCha20Poly1305",
    }


def test_every_way_in_passes_the_second_factor():
    """Sessions begin in one function, which asks for the code."""
    assert places({"start_session", "sessions.start_session"}) == {
        "platform/kedang_platform/identity/signing_in.py"
    }


def test_addresses_in_pages_are_of_http_or_our_own():
    """Every link that a page is told begins with our own path; templates write no other scheme."""
    for file, tree in sources():
        for name, node in calls(tree):
            if name in {"Link", "forms.Link"} and len(node.args) > 1:
                path = node.args[1]
                text = path.values[0] if isinstance(path, ast.JoinedStr) else path
                assert not isinstance(text, ast.Constant) or str(text.value).startswith("/"), (
                    file,
                    ast.unparse(node),
                )
    for template in (ROOT / "graphql").rglob("templates/*.html"):
        text = template.read_text(encoding="utf-8").replace('href="data:,"', "")  # no icon
        assert not re.search(r"(?i)(javascript|data|vbscript):", text), template


def test_a_new_installation_has_no_account():
    """No revision writes people: the first one signs up."""
    for file in (ROOT / "migrations").rglob("versions/*.py"):
        text = file.read_text(encoding="utf-8")
        assert "bulk_insert" not in text, file
        assert not re.search(r"(?i)INSERT INTO (platform\.)?(person|membership|api_key|session)\b", text), (
            file
        )


def test_the_image_and_the_wheel_hold_the_product_alone():
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    roots = {Path(package).parts[0] for package in wheel["targets"]["wheel"]["packages"]}
    assert roots == set(PACKAGES)
    ignored = set((ROOT / ".dockerignore").read_text(encoding="utf-8").split())
    assert {".git", "tests", "var"} <= ignored
    copied = re.findall(
        r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert "." not in {name for line in copied for name in line.split()}


async def test_folders_are_not_listed(gateway):
    async with httpx.AsyncClient(base_url=gateway.url) as http:
        for path in ("/static", "/static/", "/files", "/files/"):
            assert (await http.get(path, follow_redirects=True)).status_code == 404, path
