"""Ordinary Keras networks as parts of a model, and parts that do not fit: named before anything trains.

Legend: B batch, F features, D latent width, C channels of x, P parameters of them.
"""

from __future__ import annotations

import keras

from tfvae.checks import UserError
from tfvae.latents import Latent
from tfvae.likelihoods.likelihood import Likelihood
from tfvae.networks import FactorisedDecoder

__all__ = [
    "built",
    "check_kinds",
    "check_parameters",
    "check_training",
    "classifier_of",
    "decoder_of",
    "features_of",
]

_RATES = ("rate", "stddev", "dropout", "recurrent_dropout")  # of Keras layers that make noise
_STATISTICS = (keras.layers.BatchNormalization, keras.layers.SpectralNormalization)


def check_kinds(**parts) -> None:
    """Refuses a part of a model that is of another kind: `encoder`, `decoder`, `latent`, `likelihood`."""
    kinds = {"latent": (Latent, "tfvae.latents"), "likelihood": (Likelihood, "tfvae.likelihoods")}
    for name, part in parts.items():
        kind, place = kinds.get(name, (keras.layers.Layer, None))
        if not isinstance(part, kind):
            wanted = "a Keras network" if place is None else f"one of {place}"
            raise UserError(f"{name} must be {wanted}, got {type(part).__name__}")


def decoder_of(network, z_shape, likelihood) -> keras.layers.Layer:
    """The decoder itself, or an ordinary network z -> parameters as one.

    The data then have the network's own output shape, with as many channels as its last axis holds
    parameters for.

    Args:
        network: a decoder (it has `data_shape`), or a Keras network [B, ...] -> [B, ..., P].
        z_shape: of z with the condition behind it, [B, ...].
        likelihood: whose parameters these are.

    Raises:
        UserError: it takes another z, or gives no parameters of this likelihood.
    """
    if hasattr(network, "data_shape"):
        return network
    built("decoder", network, "the latent gives", z_shape)
    shape = _one_output("decoder", network, network.compute_output_spec(_spec(z_shape))).shape
    size = shape[-1]
    if not likelihood.has_channels:
        channels = () if size == likelihood.parameter_size(1) else None
    else:
        channels = next(((c,) for c in range(1, size + 1) if _size(likelihood, c) == size), None)
    if channels is None or len(shape) < 2:
        raise UserError(
            f"decoder {network.name!r} gives {size} parameters in its last axis, and "
            f"{type(likelihood).__name__} wants {_size(likelihood, 1)} for a channel"
        )
    return FactorisedDecoder((*shape[1:-1], *channels), network, name=f"{network.name}_decoder")


def classifier_of(network):
    """The classifier itself; an ordinary Keras network reads z.

    Raises:
        UserError: it is no network, or does not say how many labels there are.
    """
    if network is None:
        return None
    check_kinds(classifier=network)
    if not hasattr(network, "num_labels"):
        raise UserError(
            f"classifier {network.name!r} must have num_labels: take tfvae.networks.Classifier"
        )
    if not hasattr(network, "reads"):
        network.reads = "z"
    return network


def features_of(encoder, x_shape, dtype):
    """The shape of the features of a built encoder, [B, ...], or {name: [B, ...]} of several.

    Raises:
        UserError: it gives several tensors without names.
    """
    found = encoder.compute_output_spec(_spec(x_shape, dtype))
    if isinstance(found, dict):
        return {name: tuple(one.shape) for name, one in found.items()}
    return tuple(_one_output("encoder", encoder, found).shape)


def built(what: str, network, given: str, *shapes) -> None:
    """Builds a network that is not built yet, for the first of `shapes`.

    Args:
        what: its place, `"encoder"`.
        network: a Keras layer.
        given: where what it is given comes from.
        *shapes: arguments of its `build`.

    Raises:
        UserError: it takes another shape.
    """
    _takes(what, network, shapes[0], given)
    if not network.built:
        network.build(*shapes)


def check_parameters(decoder, likelihood, shape) -> None:
    """Refuses parameters [B, ..., P] that are not those of the data.

    Raises:
        UserError: names the decoder, the likelihood and both shapes.
    """
    data = tuple(decoder.data_shape)
    channels = data[-1] if likelihood.has_channels else 1
    places = data[:-1] if likelihood.has_channels else data
    wanted = (None, *places, likelihood.parameter_size(channels))
    if not shape.is_compatible_with(wanted):
        raise UserError(
            f"decoder {decoder.name!r} gives parameters {_text(shape)}, and "
            f"{type(likelihood).__name__} of x {_text((None, *data))} wants {_text(wanted)}"
        )


def check_training(what: str, network) -> None:
    """Refuses what `fit` would leave out in silence: noise and statistics of training, penalties.

    A part does the same in training as elsewhere; noise is a function of the step's seed, so that one
    device and N replicas see the same, and a Keras layer draws its own.

    Raises:
        UserError: names the layer.
    """
    for layer in network._flatten_layers():
        rates = [getattr(layer, name) for name in _RATES if hasattr(layer, name)]
        noise = getattr(layer, "seed_generator", None) is not None and (any(rates) or not rates)
        named = f"{type(layer).__name__} {layer.name!r} of the {what}"
        if noise or isinstance(layer, _STATISTICS):
            raise UserError(
                f"{named} acts in training only, and would never act here; a LayerNormalization or "
                "GroupNormalization has no statistics, and decoders of tfvae.networks have their dropout"
            )
        penalised = [v.name for v in layer.weights if getattr(v, "regularizer", None) is not None]
        if penalised or getattr(layer, "activity_regularizer", None) is not None:
            raise UserError(
                f"{named} has a regularizer, which no objective here would read; an optimizer has "
                "weight_decay, and an objective its terms"
            )


def _takes(what: str, network, shape, given: str) -> None:
    """Of a network that knows its input: a Sequential or functional model."""
    own = getattr(network, "inputs", None)
    if own is None:
        return
    if len(own) != 1:
        raise UserError(f"{what} {network.name!r} must have one input, got {len(own)}")
    wanted = own[0].shape
    fits = len(wanted) == len(shape) and all(
        a is None or b is None or a == b for a, b in zip(wanted, shape)
    )
    if not fits:
        raise UserError(
            f"{what} {network.name!r} takes {_text(wanted)}, and {given} {_text(shape)}"
        )


def _one_output(what: str, network, found) -> keras.KerasTensor:
    if isinstance(found, (list, tuple, dict)):
        raise UserError(
            f"{what} {network.name!r} must give one tensor, got {len(found)}: what a part needs (a mean "
            "and a variance) it makes of them by itself"
        )
    return found


def _size(likelihood, channels: int) -> int | None:
    try:
        return likelihood.parameter_size(channels)
    except UserError:
        return None


def _spec(shape, dtype: str = "float32") -> keras.KerasTensor:
    return keras.KerasTensor((None, *shape[1:]), dtype)


def _text(shape) -> str:
    return "[" + ", ".join(["B", *("any" if n is None else str(n) for n in tuple(shape)[1:])]) + "]"
