"""tfvae push RUN_DIRECTORY --repo=USER/NAME: a finished run to the Hugging Face Hub, with a model card.

Sent are the model, the report, its figures and the settings; no checkpoints, and no data unless --examples
says so. A login is made before: hf auth login.
"""

from __future__ import annotations

from zoo.command import console

__all__ = ["main"]


def _arguments() -> console.Arguments:
    parser = console.Arguments("tfvae push", description=__doc__)
    add = parser.add_argument
    add("run", help="a run directory")
    add("--repo", required=True, help="USER/NAME; made if there is none")
    add("--private", action="store_true", help="of a repository that is made")
    add("--examples", action="store_true", help="send up to 1,000 validation examples too")
    add("--message", help="of the commit")
    add("--debug", action="store_true", help="print the traceback of whatever ends the command")
    return parser


def main(words=None) -> int:
    """0, or 2 where there is no such run or the Hub refuses."""
    asked = _arguments().parse_args(words)
    return console.command("push", lambda: _work(asked), asked.debug)


def _work(asked) -> None:
    from zoo import hub

    print(hub.push(asked.run, asked.repo, asked.private, asked.examples, asked.message))
