"""One process at a time writes a directory; what a killed one left of its lock is known as stale.

PATH/lock/<token>.json   who holds it: process, host, and what tells this process from a later one

`flock` would not do: on NFS and other shared disks it may be local to each machine, or missing. Renaming
a directory is atomic there too, and fails where another lies that is not empty: the owner's file is in
it before anyone can see it, and of two that rename one wins. A stale lock is removed by the token in its
owner's name, so that nobody removes the lock of him who was faster.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import socket
import threading
import uuid
from typing import Any

from tfvae.checks import UserError
from tfvae.training.reading import json_object
from tfvae.training.run_directory import LOCK, room

__all__ = ["InUse", "RunLock"]

_BEAT = 15.0  # seconds between signs of life
_PATIENCE = 120.0  # without one, after which a process that cannot be looked at counts as gone
_TAKEN = (errno.ENOTEMPTY, errno.EEXIST)


class InUse(UserError):
    """Another process writes there."""


class RunLock:
    """`with RunLock(path):` this process alone writes there.

    A lock of this machine is stale when its process is gone, or is another one under the same number
    (the kernel says when it began); one of another machine when it gave no sign of life for two minutes,
    by the disk's own clock.

    Args:
        path: a directory; it is made, and removed again if nothing was left in it.

    Raises:
        InUse: another process holds it; names the process and its host.
    """

    def __init__(self, path: str):
        self.path = path
        self._token = uuid.uuid4().hex
        self._file = os.path.join(path, LOCK, f"{self._token}.json")
        self._released = threading.Event()

    def __enter__(self) -> RunLock:
        self._made = not os.path.isdir(self.path)
        with room(self.path):
            own = os.path.join(self.path, f"{LOCK}.{self._token}")
            self._make(own)
            try:
                self._take(own)
            finally:
                shutil.rmtree(own, ignore_errors=True)
        self._pid = os.getpid()
        threading.Thread(target=self._live, name="lock", daemon=True).start()
        self._sweep()
        return self

    def __exit__(self, *_) -> None:
        self._released.set()
        if os.getpid() != self._pid:  # a fork of the holder
            return
        with contextlib.suppress(OSError):
            os.remove(self._file)
        for folder in (os.path.dirname(self._file), *([self.path] if self._made else [])):
            with contextlib.suppress(OSError):  # another one has it, or something was left in it
                os.rmdir(folder)

    def _make(self, own: str) -> None:
        """Makes the directory and a folder in it: one who leaves may remove it between the two."""
        while True:
            os.makedirs(self.path, exist_ok=True)
            try:
                os.mkdir(own)
                return
            except FileNotFoundError:
                continue

    def check(self) -> None:
        """To be called before each write: a process that slept too long may have lost its lock.

        Raises:
            UserError: it has.
        """
        if not os.path.exists(self._file):
            raise UserError(
                f"{self.path} was taken over by another process, or its {LOCK} was removed; "
                "this one stops"
            )

    def _take(self, own: str) -> None:
        mark = os.path.join(own, os.path.basename(self._file))
        with open(mark, "w", encoding="utf-8") as stream:
            json.dump(_myself(), stream)
            stream.flush()
            os.fsync(stream.fileno())
        now = os.stat(mark).st_mtime  # of the disk: its clock may be another than ours
        taken = os.path.dirname(self._file)
        while True:
            try:
                os.rename(own, taken)
                return
            except OSError as error:
                if error.errno not in _TAKEN:
                    raise
            for name in _names(taken):
                file = os.path.join(taken, name)
                owner = _owner(file)
                if _alive(file, owner, now):
                    raise InUse(_refusal(self.path, owner))
                with contextlib.suppress(FileNotFoundError):
                    os.remove(file)
            with contextlib.suppress(OSError):  # what is taken meanwhile is not empty
                os.rmdir(taken)

    def _live(self) -> None:
        while not self._released.wait(_BEAT):
            try:
                os.utime(self._file)
            except FileNotFoundError:
                return
            except OSError:  # a disk that is away for a while
                continue

    def _sweep(self) -> None:
        """What others left that were killed before they held the lock."""
        now = os.stat(self._file).st_mtime
        for name in _names(self.path):
            left = os.path.join(self.path, name)
            if not (name.startswith(f"{LOCK}.") and os.path.isdir(left)):
                continue
            files = [os.path.join(left, n) for n in _names(left)] or [left]
            if not any(_alive(file, _owner(file), now) for file in files):
                shutil.rmtree(left, ignore_errors=True)


def _names(folder: str) -> list[str]:
    with contextlib.suppress(FileNotFoundError):
        return os.listdir(folder)
    return []


def _owner(file: str) -> dict[str, Any]:
    """Who made it; nothing is known of one whose file was cut short."""
    with contextlib.suppress(UserError):
        return json_object(file)
    return {}


def _alive(file: str, owner: dict[str, Any], now: float) -> bool:
    if owner.get("place") == _place():
        begun = _begun(owner.get("pid"))
        if begun != "":
            return begun is not None and begun == owner.get("begun")
    try:
        return now - os.stat(file).st_mtime < _PATIENCE
    except FileNotFoundError:
        return False


def _myself() -> dict[str, Any]:
    pid = os.getpid()
    return {"pid": pid, "host": socket.gethostname(), "begun": _begun(pid), "place": _place()}


def _place() -> str:
    """Where a process number means the same: the machine since it was started, and the container."""
    place = socket.gethostname()
    with contextlib.suppress(OSError):
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
            place += f" {stream.read().strip()}"
        place += f" {os.readlink('/proc/self/ns/pid')}"
    return place


def _begun(pid: Any) -> str | None:
    """When the process began, by the kernel's clock; `None` if there is none, "" if nobody says."""
    if not isinstance(pid, int):
        return None
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:
            state, *fields = stream.read().rpartition(")")[2].split()
        return None if state in "ZX" else fields[18]
    except OSError:  # gone, hidden from us, or a system without /proc
        pass
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return None
    except OSError:
        pass
    return ""


def _refusal(path: str, owner: dict[str, Any]) -> str:
    who = f"process {owner.get('pid', '?')} on {owner.get('host', 'an unknown host')}"
    later = "" if owner.get("place") == _place() else f" (known after {_PATIENCE:.0f} s)"
    return f"{path} is in use by {who}; if that is gone, the lock is taken over{later}"
