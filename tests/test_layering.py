"""Dependencies point one way (read from the sources' imports)."""

import ast
import functools
import pathlib
import re

ROOT = pathlib.Path(__file__).parent.parent
LAYERS = [
    {
        "batches",
        "checks",
        "configured",
        "guard",
        "inputs",
        "multiplicative",
        "randomness",
        "replicas",
        "schedules",
        "draw",
        "numerics",
        "outside",
        "parts",
        "quiet",
        "values",
    },
    {"distributions", "flows"},
    {"networks", "likelihoods"},
    {"latents", "objectives", "streams"},
    {"fitting", "model", "own_parts"},
    {"inference", "metrics", "daydream", "foreign"},
    {"procedures", "diagnosis"},
    {"exploring", "training"},
    {"examination"},
    {"diagnose"},
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
# parts of one layer that may not know each other
STRANGERS = [{"objectives", "latents"}]


@functools.cache
def _imports(path):
    return list(_read(path))


def _read(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and "import_module" in ast.unparse(node.func):
            yield ast.unparse(node.args[0]).strip("f'\"")  # by name, at run time


def _sources(folder):
    return [p for p in (ROOT / folder).rglob("*.py")]


def test_tfvae_layers():
    wrong = []
    for path in _sources("tfvae"):
        parts = path.relative_to(ROOT / "tfvae").with_suffix("").parts
        if parts == ("__init__",):
            continue
        mine = parts[0]
        assert mine in RANK, f"{mine} has no layer"
        for name in _imports(path):
            words = name.split(".")
            if words[0] != "tfvae" or len(words) < 2 or words[1] not in RANK or words[1] == mine:
                continue
            if RANK[words[1]] > RANK[mine] or {mine, words[1]} in STRANGERS:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not wrong, wrong


def test_nothing_in_tfvae_imports_the_zoo_by_name_or_by_string():
    wrong = [
        str(p)
        for p in _sources("tfvae")
        for name in _imports(p)
        if name.split(".")[0] in ("zoo", "train_main")
    ]
    assert not wrong
    text = re.compile(r"""["']zoo[.\w]*["']""")
    spoken = {p.name for p in _sources("tfvae") if text.search(p.read_text())}
    assert spoken <= {"guard.py"}, spoken  # which says in whose lines an error was


ZOO = [
    {"catalogue"},
    {"datasets", "recipe"},
    {"backbones"},
    {"modalities"},
    {"models", "trackers"},
    {"command"},
    {"comparison", "finished"},
    {"benchmarks", "compare", "hub", "sweep"},
]


def test_zoo_layers():
    rank = {name: number for number, names in enumerate(ZOO) for name in names}
    wrong = []
    for path in _sources("zoo"):
        mine = path.relative_to(ROOT / "zoo").with_suffix("").parts[0]
        if mine == "__init__":
            continue
        assert mine in rank, f"{mine} has no layer"
        for name in _imports(path):
            words = name.split(".")
            other = words[1] if words[0] == "zoo" and len(words) > 1 else mine
            if rank.get(other, -1) > rank[mine]:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not wrong, wrong


def test_networks_know_no_distributions_and_nobody_uses_keras_2():
    networks = [p for p in _sources("tfvae/networks")]
    assert not [p for p in networks for n in _imports(p) if n.startswith("tensorflow_probability")]
    everything = _sources("tfvae") + _sources("zoo")
    assert not [p for p in everything for n in _imports(p) if n.split(".")[0] == "tf_keras"]
    assert not [p for p in everything if "tfp.layers" in p.read_text()]


def test_only_training_touches_the_disk():
    writers = ("open(", "os.replace", "os.makedirs", ".write_text(", ".write_bytes(", ".mkdir(")
    wrong = [
        f"{p.relative_to(ROOT)}: {w}"
        for p in _sources("tfvae")
        if "training" not in p.parts
        for w in writers
        if w in p.read_text()
    ]
    assert not wrong


def test_nobody_looks_into_a_latent_but_latents():
    """What measures asks the latent: another posterior, prior or quantiser then needs no other file."""
    inside = re.compile(
        r"\w\.latent\.posterior\b|\w\.latent\.prior\.(?!trainable)"
        r"|\w\.latent\.codebook\b(?!\.lookup\(indices\) makes)"
        r"|\.distribution\.(loc|scale)|\.posterior\.(mean|log_prob|entropy|parameters|of|draw)\b"
        r"|isinstance\([^)]*(Latent|Posterior|Prior|Codebook|Codes)\b"
    )
    wrong = [
        f"{p.relative_to(ROOT)}: {found.group()}"
        for p in _sources("tfvae")
        if "latents" not in p.parts
        for line in p.read_text().splitlines()
        if (found := inside.search(line.split("#")[0])) and '"""' not in line
    ]
    assert not wrong, wrong


# ------------------------------------------------------------------ docs/architecture.md


def _package(name):
    """The node of a module; `None` of the small files that everybody may know, and of what is not ours."""
    words = name.split(".")
    if words[0] == "train_main":
        return "train_main"
    if words[:2] == ["tfvae", "model"]:
        return "tfvae.model"
    if words[0] in ("tfvae", "zoo") and len(words) > 1 and (ROOT / words[0] / words[1]).is_dir():
        return ".".join(words[:2])
    return None


def _known():
    """{package: those that its files import}."""
    found = {}
    for path in [*_sources("tfvae"), *_sources("zoo"), ROOT / "train_main.py"]:
        mine = _package(".".join(path.relative_to(ROOT).with_suffix("").parts))
        if mine:
            others = {_package(name) for name in _imports(path)} - {None, mine}
            found.setdefault(mine, set()).update(others)
    return found


def _arrows():
    """The imports without those that follow from two others."""
    known = _known()

    @functools.cache
    def below(package):
        direct = known.get(package, set())
        return frozenset(direct).union(*(below(other) for other in direct))

    return {
        (package, other)
        for package, others in known.items()
        for other in others
        if not any(other in below(between) for between in others - {other})
    }


def test_the_architecture_is_drawn_as_it_is():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawn = set(re.findall(r"^  ([\w.]+) --> ([\w.]+)$", page, re.M))
    there = _arrows()
    missing = "\n".join(f"  {a} --> {b}" for a, b in sorted(there - drawn))
    assert drawn == there, f"to draw:\n{missing}\nand no more: {sorted(drawn - there)}"
    unsaid = [package for package in _known() if f"| `{package}` |" not in page]
    assert not unsaid, f"no row of the table: {unsaid}"
