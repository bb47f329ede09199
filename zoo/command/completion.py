"""tfvae completion bash | zsh | fish: prints what the shell needs to complete commands, flags and names.

bash   eval "$(tfvae completion bash)"        in ~/.bashrc
zsh    eval "$(tfvae completion zsh)"         in ~/.zshrc
fish   tfvae completion fish | source         in ~/.config/fish/config.fish
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import re

from zoo.catalogue import listed
from zoo.catalogue.sources import ROOT, literal, tree, values
from zoo.command import console

__all__ = ["SHELLS", "flags_of", "main", "script"]


def _arguments() -> console.Arguments:
    parser = console.Arguments("tfvae completion", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("shell", choices=list(SHELLS), help="whose script is printed")
    return parser


def main(words=None) -> int:
    """0, or 2 for a wrong command."""
    print(script(_arguments().parse_args(words).shell))
    return 0


def flags_of(module: str) -> list[str]:
    """The flags that a command's module names, read from its source; `train` has absl's.

    What the module takes from a file `zoo/command/*_flags.py` counts too.
    """
    path = f"{module.replace('.', '/')}.py"
    source = tree(path if (ROOT / path).is_file() else f"{module.replace('.', '/')}/__init__.py")
    found = _named(source)
    for node in ast.walk(source):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("flags.DEFINE_"):
            with contextlib.suppress(ValueError):  # a name that is no literal: of a shared file
                found.add(literal(node.args[0]))
        if isinstance(node, ast.ImportFrom) and node.module == "zoo.command":
            for shared in (alias.name for alias in node.names if alias.name.endswith("_flags")):
                file = tree(f"zoo/command/{shared}.py")
                found |= _named(file) | set(literal(values(file)["FLAGS"]))
    return sorted(found | {"help"})


def _named(source: ast.Module) -> set[str]:
    """What stands in it as "--name"."""
    texts = (n.value for n in ast.walk(source) if isinstance(n, ast.Constant))
    return {
        text.removeprefix("--")
        for text in texts
        if isinstance(text, str) and re.fullmatch(r"--[a-z_]+", text)
    }


def _known() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """({command: words}, {flag: values}) that are completed."""
    models, datasets, parts = (read() for _, read in listed.LISTINGS.values())
    names = sorted({row.name for row in models})
    flags = {
        "model": names,
        "models": names,
        "dataset": sorted(row.name for row in datasets if ":" not in row.name),
        "backbone": sorted({row.name for row in parts if row.group == "backbone"}),
        "size": ["tiny", "small", "paper"],
        "kind": list(listed.KINDS),
        "set": sorted({f"{row.group}={row.name}" for row in parts if row.group != "backbone"}),
        "flagfile": sorted(path.stem for path in (ROOT / "zoo" / "flagfiles").glob("*.flags")),
    }
    words = {
        name: [f"--{flag}" for flag in flags_of(module)]
        for name, (_, module) in console.COMMANDS.items()
    }
    words["train"] = sorted({*words["train"], "--flagfile"})
    words["list"] = [*listed.LISTINGS, *words["list"]]
    words["show"] = [*names, *flags["set"], *words["show"]]
    words["completion"] = [*SHELLS, *words["completion"]]
    return words, flags


def script(shell: str) -> str:
    """What the shell is to read."""
    return SHELLS[shell](*_known())


def _bash(words, flags) -> str:
    commands = "\n".join(f'    {n}) words="{" ".join(w)}" ;;' for n, w in words.items())
    known = "\n".join(f'    --{n}) words="{" ".join(v)}" ;;' for n, v in flags.items())
    return f"""\
_tfvae() {{
  local line="${{COMP_LINE:0:$COMP_POINT}}" word command flag words="" before i
  word="${{line##* }}"
  command="${{line#* }}"
  command="${{command%% *}}"
  COMPREPLY=()
  if [[ "$line" != *" "*" "* ]]; then
    COMPREPLY=($(compgen -W "{" ".join(words)}" -- "$word"))
    return
  fi
  if [[ "$word" == --*=* ]]; then
    flag="${{word%%=*}}"
    case "$flag" in
{known}
    --data|--data_dir|--workdir|--out)
      COMPREPLY=($(compgen -P "$flag=" -f -- "${{word#*=}}")) ;;
    esac
    [[ -n "$words" ]] && COMPREPLY=($(compgen -P "$flag=" -W "$words" -- "${{word#*=}}"))
  else
    case "$command" in
{commands}
    esac
    COMPREPLY=($(compgen -W "$words" -- "$word"))
    [[ "$word" == -* ]] || COMPREPLY+=($(compgen -f -- "$word"))
  fi
  # bash's readline cuts the line at "=" and ":", and puts in what stands behind the last of them
  before="${{word%"${{word##*[=:]}}"}}"
  if [[ -n "${{BASH_VERSION:-}}" ]]; then
    for i in "${{!COMPREPLY[@]}}"; do COMPREPLY[i]="${{COMPREPLY[i]#"$before"}}"; done
  fi
}}
complete -F _tfvae tfvae"""


def _zsh(words, flags) -> str:
    # bash's `complete` stands on zsh's own completion, which a short .zshrc has not begun
    begun = "(( $+functions[compdef] )) || { autoload -U +X compinit && compinit -u }"
    return f"{begun}\nautoload -U +X bashcompinit && bashcompinit\n{_bash(words, flags)}"


def _fish(words, flags) -> str:
    lines = [
        "complete -c tfvae -e",
        f"complete -c tfvae -n __fish_use_subcommand -f -a '{' '.join(words)}'",
    ]
    for command, known in words.items():
        seen = f"complete -c tfvae -n '__fish_seen_subcommand_from {command}'"
        for word in known:
            name = word.removeprefix("--")
            if word == name:
                lines.append(f"{seen} -a '{word}'")
            elif name in flags:
                lines.append(f"{seen} -l {name} -x -a '{' '.join(flags[name])}'")
            else:
                lines.append(f"{seen} -l {name}")
    return "\n".join(lines)


SHELLS = {"bash": _bash, "zsh": _zsh, "fish": _fish}
