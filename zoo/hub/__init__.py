"""Runs on the Hugging Face Hub: what a run left, with a model card that says how to make it again.

    zoo.push("runs/delta_vae_digits", "USER/delta-vae-digits")
    run = zoo.pull("USER/delta-vae-digits", "runs/pulled")

A run's files are JSON, pictures, a page and the model of Keras' own format: nothing is unpickled, and a layer
that is none of `tfvae` or Keras is refused when it is read.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pathlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

from tfvae import training
from tfvae.checks import UserError
from tfvae.training.run_directory import room
from zoo.command import run as runs
from zoo.hub import card

__all__ = ["pull", "push"]

_LEFT = ("config.json", "report.json", "card.json", "metrics.jsonl", "model.keras", "report.html")
_FIGURES = "figures/*.png"
_EXAMPLES = "examples.npz"
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_FIGURE = re.compile(r"figures/\w[\w.-]*\.png")


def push(
    workdir: str,
    repo: str,
    private: bool = False,
    examples: bool = False,
    message: str | None = None,
) -> str:
    """Sends a finished run to the Hub; its address.

    Checkpoints stay here: from the Hub a run is read, and not gone on with. Files of a run that was there
    before are replaced or deleted, so that the repository holds one run; others stay there.

    Args:
        workdir: a run directory.
        repo: `USER/NAME`, made if there is none.
        private: of a repository that is made; one that is there must be private already.
        examples: send examples.npz too, up to 1,000 validation examples: they are data, which may not be
            yours to publish.
        message: of the commit.

    Raises:
        UserError: no finished run, a name that is none, a public repository where a private one is asked for,
            no package `huggingface_hub`, or what the Hub refuses.
    """
    report, hub = runs.finished(workdir), _library()
    _refuse_name(repo)
    content: dict[str, Any] = {"README.md": card.text(workdir, report, repo).encode()}
    content |= {name: os.path.join(workdir, name) for name in _files(workdir, examples)}
    api = hub.HfApi(endpoint=_endpoint())
    said = "{model} on {dataset}: {verdict}".format(**report)
    with _hub(repo):
        api.create_repo(repo, private=private, exist_ok=True)
        there = api.model_info(repo)
        if private and not there.private:
            raise UserError(f"private: {repo} is public already; make it private at the Hub first")
        older = {file.rfilename for file in there.siblings or ()} - content.keys()
        done = [hub.CommitOperationAdd(name, held) for name, held in content.items()]
        done += [hub.CommitOperationDelete(name) for name in sorted(older) if _is_of_a_run(name)]
        commit = api.create_commit(repo, done, commit_message=message or said)
    return str(commit.repo_url)


def pull(repo: str, workdir: str, revision: str | None = None):
    """Brings a run from the Hub; a `zoo.Run`.

    Args:
        repo: `USER/NAME`, to which a run was pushed.
        workdir: a new or empty directory; it is filled at once or not at all.
        revision: a branch, tag or commit; the newest of the main branch if none is named.

    Raises:
        UserError: something lies in the directory, no such repository, or no run in it.
    """
    from zoo.finished import Run

    _refuse_name(repo)
    training.RunDirectory.refuse_other_run(workdir)
    hub, beside = _library(), os.path.dirname(os.path.abspath(workdir))
    with room(workdir):
        os.makedirs(beside, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=beside, prefix=".pull-") as made:
            part = os.path.join(made, "run")
            _bring(hub, repo, revision, part)
            try:
                runs.load(part)
            except UserError as error:
                raise UserError(f"{repo} holds no run of tfvae: {error}") from error
            with contextlib.suppress(FileNotFoundError):
                os.rmdir(workdir)
            os.replace(part, workdir)
    return Run(workdir)


def _bring(hub, repo: str, revision: str | None, path: str) -> None:
    """The files of a run into that directory."""
    with _hub(repo):
        names = hub.HfApi(endpoint=_endpoint()).list_repo_files(repo, revision=revision)
        hub.snapshot_download(
            repo,
            revision=revision,
            local_dir=path,
            allow_patterns=[name for name in names if _is_of_a_run(name)] or [_LEFT[0]],
            endpoint=_endpoint(),
        )
    shutil.rmtree(os.path.join(path, ".cache"), ignore_errors=True)


def _files(workdir: str, examples: bool) -> list[str]:
    """What is sent of a run, by its names there."""
    there = sorted(
        path.relative_to(workdir).as_posix() for path in pathlib.Path(workdir).glob(_FIGURES)
    )
    found = [name for name in _LEFT if os.path.exists(os.path.join(workdir, name))]
    if "model.keras" not in found:
        raise UserError(f"no finished run in {workdir!r}: model.keras is missing")
    if not examples:
        return [*found, *there]
    if not os.path.exists(os.path.join(workdir, _EXAMPLES)):
        raise UserError(f"{workdir} was told to leave no examples (keep_examples)")
    return [*found, *there, _EXAMPLES]


def _is_of_a_run(name: str) -> bool:
    """Of a file in a repository; anybody may have put others there, under any name."""
    return name in (*_LEFT, _EXAMPLES, "README.md") or _FIGURE.fullmatch(name) is not None


def _endpoint() -> str | None:
    """Another Hub than huggingface.co."""
    return os.environ.get("HF_ENDPOINT")


def _library() -> Any:
    try:
        return importlib.import_module("huggingface_hub")
    except ImportError as error:
        raise UserError(
            "the Hub needs the package huggingface_hub: pip install 'tfvae[hub]'"
        ) from error


def _refuse_name(repo: str) -> None:
    if not isinstance(repo, str) or not _NAME.fullmatch(repo):
        raise UserError(f"a repository is named USER/NAME, got {str(repo)[:80]!r}")


@contextlib.contextmanager
def _hub(repo: str) -> Iterator[None]:
    """What the Hub refuses, in a line."""
    errors = _library().errors
    try:
        yield
    except (errors.HfHubHTTPError, errors.LocalEntryNotFoundError, *_of_transport()) as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise UserError(
            f"the Hub refuses {repo}: {said[:300]} (a login is made by: hf auth login)"
        ) from error


def _of_transport() -> Iterator[type[Exception]]:
    """Errors of the package that carries the requests, which is another one every few versions."""
    for name, error in (
        ("httpx2", "HTTPError"),
        ("httpx", "HTTPError"),
        ("requests", "RequestException"),
    ):
        with contextlib.suppress(ImportError):
            yield getattr(importlib.import_module(name), error)
