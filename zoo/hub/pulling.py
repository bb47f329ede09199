"""tfvae pull USER/NAME --workdir=DIR: a run from the Hugging Face Hub, into a new directory.

It is read there as every other run: tfvae show DIR, tfvae diagnose DIR, zoo.load(DIR).
"""

from __future__ import annotations

from zoo.command import console

__all__ = ["main"]


def _arguments() -> console.Arguments:
    parser = console.Arguments("tfvae pull", description=__doc__)
    add = parser.add_argument
    add("repo", help="USER/NAME, to which a run was pushed")
    add("--workdir", required=True, help="a new or empty directory")
    add("--revision", help="a branch, tag or commit; default: the newest")
    add("--debug", action="store_true", help="print the traceback of whatever ends the command")
    return parser


def main(words=None) -> int:
    """0, or 2 where there is no such run or the Hub refuses."""
    asked = _arguments().parse_args(words)
    return console.command("pull", lambda: _work(asked), asked.debug)


def _work(asked) -> None:
    from zoo import hub

    print(hub.pull(asked.repo, asked.workdir, asked.revision))
