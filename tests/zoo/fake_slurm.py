"""`sbatch` and `squeue` for tests: an array is so many processes of the shell, each with its number.

FAKE/asked: the words that sbatch was given, a line a call. FAKE/<id>.<number>: what has not ended.
FAKE/hold: while it is there, the tasks of new arrays wait.
"""

import os
import stat

_SBATCH = r"""#!/bin/sh
for script; do :; done
if [ "$1" = --parsable ] && [ -f "$script" ]; then echo "$*" >> "$FAKE/asked"; else exit 1; fi
case "$*" in *--partition=none*) echo "sbatch: error: invalid partition specified: none" >&2; exit 1;; esac
id=$(( $(cat "$FAKE/last" 2>/dev/null || echo 100) + 1 ))
echo $id > "$FAKE/last"
last=$(sed -n 's/^#SBATCH --array=0-\([0-9]*\).*/\1/p' "$script")
log=$(sed -n 's/^#SBATCH --output="\(.*\)"/\1/p' "$script")
i=0
while [ $i -le $last ]; do
  touch "$FAKE/$id.$i"
  (
    while [ -e "$FAKE/hold" ]; do sleep 0.05; done
    SLURM_ARRAY_TASK_ID=$i sh "$script" >> "$(echo "$log" | sed "s/%a/$i/")" 2>&1
    rm "$FAKE/$id.$i"
  ) > /dev/null 2>&1 &
  i=$((i + 1))
done
echo "$id;cluster"
"""
_SQUEUE = r"""#!/bin/sh
for word; do case $word in --jobs=*) id=${word#--jobs=};; esac; done
found=0
for file in "$FAKE/$id".*; do [ -e "$file" ] && found=1 && echo "${file##*.}"; done
[ $found = 1 ] && exit 0
echo "slurm_load_jobs error: Invalid job id specified" >&2
exit 1
"""


def install(folder, monkeypatch):
    """Puts both on the PATH; the folder FAKE."""
    fake = folder / "slurm_state"
    fake.mkdir()
    programs = folder / "programs"
    programs.mkdir()
    for name, text in (("sbatch", _SBATCH), ("squeue", _SQUEUE)):
        (programs / name).write_text(text)
        (programs / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv("FAKE", str(fake))
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return fake
