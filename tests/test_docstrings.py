"""What `help()` says of every public name."""

import importlib
import inspect
import pkgutil

import pytest

import tfvae
import zoo

_PROTOCOL = {"build", "get_config", "from_config"}  # Keras' own, which need no words
PUBLIC = [
    name
    for package in (tfvae, zoo)
    for name in [package.__name__]
    + [f"{package.__name__}.{m.name}" for m in pkgutil.iter_modules(package.__path__)]
    # tfvae.diagnose is a command: importing it would take the place of the function for all other tests
    if (package is tfvae and name != "tfvae.diagnose") or name == "zoo"
]


def _names(module):
    """(what it is called, the object) of a module's public names, and of their public methods."""
    for name in getattr(module, "__all__", ()):
        held = getattr(module, name)
        if not (inspect.isclass(held) or inspect.isfunction(held)):
            continue
        yield name, held
        for method, of in vars(held).items() if inspect.isclass(held) else ():
            ours = inspect.isfunction(of) or isinstance(of, (property, classmethod, staticmethod))
            if ours and not method.startswith("_") and method not in _PROTOCOL:
                yield f"{name}.{method}", getattr(held, method)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_says_what_it_is(name):
    module = importlib.import_module(name)
    assert (module.__doc__ or "").strip(), name
    silent = []
    for called, held in _names(module):
        said = held.__doc__ if inspect.isclass(held) else inspect.getdoc(held)
        made_up = inspect.isclass(held) and (said or "").startswith(f"{held.__name__}(")
        if not said or made_up:
            silent.append(called)
    assert not silent, silent


MEASURES = ("elbo", "log_prob", "log_prior", "log_weights")


@pytest.mark.parametrize("name", MEASURES)
def test_measures_say_shape_and_unit(name):
    said = inspect.getdoc(getattr(tfvae.VAE, name)) or ""
    assert "nats" in said and "[" in said, said


def test_the_methods_that_a_vae_lists_are_there():
    block = (tfvae.VAE.__doc__ or "").split("by use;")[1].split("\n\n")[1]
    words = [line.split(maxsplit=1)[1].partition("    ")[0] for line in block.strip().splitlines()]
    listed = [name for line in words for name in line.split(", ")]
    assert {"fit", "sample", "elbo", "export"} <= set(listed)
    attributes = {"encoder", "latent", "decoder", "likelihood"}
    assert not [n for n in listed if n not in attributes and not hasattr(tfvae.VAE, n)]
