"""A layer is written as its constructor's arguments, and is the same when it is read."""

import keras
import pytest

from tfvae.checks import UserError
from tfvae.configured import Configured


@keras.saving.register_keras_serializable(package="tests")
class Base(Configured, keras.layers.Layer):
    def __init__(self, size, depth=1, **kwargs):
        super().__init__(**kwargs)
        self.size, self.depth = size, depth


@keras.saving.register_keras_serializable(package="tests")
class Inner(Base):
    def __init__(self, size, parts=(), part=None, **kwargs):
        super().__init__(size, **kwargs)
        self.parts, self.part = parts, part


@keras.saving.register_keras_serializable(package="tests")
class Fixed(Base):
    """Its size is no argument: what it does not pass on is not written."""

    def __init__(self):
        super().__init__(size=9)


@keras.saving.register_keras_serializable(package="tests")
class Renamed(Base):
    """Keeps an argument under another name, and says so by itself."""

    def __init__(self, size, label, **kwargs):
        super().__init__(size, **kwargs)
        self.named = label

    def get_config(self):
        return {**super().get_config(), "label": self.named}


def _own(layer):
    return {k: v for k, v in layer.get_config().items() if k not in ("name", "trainable", "dtype")}


def _again(layer):
    return keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))


def test_arguments_of_the_class_and_of_those_that_it_passes_them_to():
    assert _own(Inner(3, depth=2)) == {"depth": 2, "size": 3, "parts": (), "part": None}
    assert _own(Fixed()) == {}
    assert _own(Renamed(3, "x")) == {"size": 3, "depth": 1, "label": "x"}
    assert _own(_again(Renamed(3, "x", depth=4))) == {"size": 3, "depth": 4, "label": "x"}


def test_layers_among_the_arguments_come_back_as_layers():
    copy = _again(Inner(3, parts=(Base(1), Base(2, 5)), part=Renamed(4, "y"), dtype="bfloat16"))
    assert [type(p) for p in copy.parts] == [Base, Base] and type(copy.part) is Renamed
    assert [(p.size, p.depth) for p in copy.parts] == [(1, 1), (2, 5)]
    assert copy.part.named == "y" and copy.dtype_policy.name == "bfloat16"


def test_an_argument_that_is_not_kept_is_named():
    class Forgets(Base):
        def __init__(self, size, lost, **kwargs):
            super().__init__(size, **kwargs)

    with pytest.raises(
        UserError, match=r"^Forgets must keep its argument 'lost' as an attribute"
    ) as e:
        Forgets(1, 2).get_config()
    assert "\n" not in str(e.value)
