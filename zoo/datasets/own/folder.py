"""Files of a folder: sub-folders are labels; train/, valid/ and test/ above them are the parts."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tfvae.checks import UserError
from zoo.datasets.own.parts import PARTS, drawn, lacking

__all__ = ["Found", "Part", "checksum", "each", "look", "refuse", "some", "stamp"]

_NAMED = 3  # files that a line names


class Part(NamedTuple):
    """paths: below the folder; label: int64, one a path, or `None`."""

    paths: list[str]
    label: np.ndarray | None


class Found(NamedTuple):
    """What a folder holds.

    Attributes:
        parts: of each part.
        names: of the labels.
        seed: that drew the parts; `None`: they are folders.
        left_out: how many files are of another kind.
    """

    parts: dict[str, Part]
    names: tuple[str, ...]
    seed: int | None
    left_out: int


def look(root: str, endings: tuple[str, ...], kind: str, seed: int = 0) -> Found:
    """The files whose names end so, hidden ones left out.

    Args:
        root: the folder.
        endings: in lower case.
        kind: what such files are called in a refusal.
        seed: draws the parts where they are no folders.

    Raises:
        UserError: no such folder or file, an empty folder, a place that may not be read, some files
            beside the folders of others, a part that is missing, labels that only a held-out part has.
    """
    if not os.path.isdir(root):
        what = "is a file" if os.path.exists(root) else "does not exist"
        raise UserError(f"--data must be a folder of {kind} files, and {root} {what}")
    every = _walk(root, "", set())
    paths = [path for path in every if path.lower().endswith(endings)]
    if not paths:
        others = f"; it holds {len(every):,} other files ({some(every)})" if every else ""
        raise UserError(f"--data: no {kind} file in {root}{others}")
    top = {path.split("/")[0] for path in paths if "/" in path}
    given = _given(root, top)
    if not given:
        names, label = _labels(root, root, paths)
        rows = drawn(root, len(paths), seed)
        parts = {
            name: Part([paths[i] for i in chosen], None if label is None else label[chosen])
            for name, chosen in rows.items()
        }
        return Found(parts, names, seed, len(every) - len(paths))
    parts, names = {}, ()
    for name in PARTS:
        own = [path for path in paths if path.startswith(f"{name}/")]
        there, label = _labels(root, f"{root}/{name}", [path[len(name) + 1 :] for path in own])
        if name == "train":
            names = there
        elif bool(there) != bool(names) or not set(there) <= set(names):
            raise UserError(
                f"{root}/{name} must have the labels (sub-folders) of {root}/train, "
                f"{some(names) or 'which are none'}; it has {some(there) or 'none'}"
            )
        if label is not None:
            label = np.array([names.index(there[i]) for i in label])
        parts[name] = Part(own, label)
    return Found(parts, names, None, len(every) - len(paths))


def _given(root: str, top: set[str]) -> bool:
    """Whether the parts are folders: some of their names are there, and nothing else or all of them."""
    there, others = top & set(PARTS), sorted(top - set(PARTS))
    if not there or (others and len(there) == 1):  # a label may be called train
        return False
    lacking(root, top)
    if others:
        raise UserError(
            f"{root} holds {', '.join(PARTS)} and beside them {some(others)}: the parts must stand alone"
        )
    return True


def _labels(root: str, folder: str, paths: list[str]):
    """(names, int64 label of each path or `None`): by the first sub-folder."""
    beside = [path for path in paths if "/" not in path]
    if len(beside) == len(paths):
        return (), None
    if beside:
        raise UserError(
            f"{folder}: sub-folders are labels, and {len(beside):,} of {len(paths):,} files lie in none "
            f"({some(beside)})"
        )
    names = tuple(sorted({path.split("/")[0] for path in paths}))
    index = {name: i for i, name in enumerate(names)}
    return names, np.array([index[path.split("/")[0]] for path in paths])


def _walk(folder: str, below: str, above: set[str]) -> list[str]:
    """The paths of all files below, in order; links are followed, but for a circle of them."""
    real = os.path.realpath(folder)
    if real in above:
        raise UserError(f"--data: {folder} is a link to a folder that holds it")
    try:
        held = sorted(os.scandir(folder), key=lambda each: each.name)
    except OSError as error:
        raise UserError(f"cannot read {folder}: {error.strerror}") from error
    found = []
    for each in held:
        if each.name.startswith("."):
            continue
        if each.is_dir():
            found += _walk(each.path, f"{below}{each.name}/", above | {real})
        else:
            found.append(f"{below}{each.name}")
    if below and not found:
        raise UserError(f"--data: the folder {folder} is empty")
    return found


def some(names) -> str:
    """The first of them."""
    names = list(names)
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(str(name) for name in names[:_NAMED]) + more


def each(root: str, paths: list[str], what: str, work: Callable) -> list:
    """`work(path)` of each file; those that it refuses are named and counted in one line.

    Args:
        root: of the paths.
        paths: below it.
        what: the files are called.
        work: raises a `UserError` of a file that it refuses.
    """
    done, refused = [], []
    for path in paths:
        try:
            done.append(work(os.path.join(root, path)))
        except UserError as error:
            refused.append(str(error))
    refuse(root, refused, len(paths), what)
    return done


def refuse(root: str, refused: list[str], number: int, what: str) -> None:
    """Refuses all, if some of them were refused.

    Raises:
        UserError: names and counts them.
    """
    if refused:
        raise UserError(
            f"{root}: {len(refused):,} of {number:,} {what} cannot be taken: {some(refused)}"
        )


def checksum(digests: dict[str, str]) -> dict[str, str]:
    """What config.json holds of the files: one sha256 over all names and contents, in order."""
    whole = hashlib.sha256()
    for path in sorted(digests):
        whole.update(f"{path}\0{digests[path]}\n".encode("utf-8", "surrogateescape"))
    return {f"{len(digests):,} files": whole.hexdigest()}


def stamp(data: str) -> tuple:
    """What changes when a file does."""
    if not os.path.isdir(data):
        return _state(data)
    held = (os.path.join(d, f) for d, _, names in os.walk(data, followlinks=True) for f in names)
    return tuple((path, *_state(path)) for path in sorted(held))


def _state(path: str) -> tuple:
    try:
        found = os.stat(path)
    except OSError:  # who reads it says what is wrong
        return ()
    return found.st_size, found.st_mtime_ns
