"""Images whose sides are neither equal nor powers of 2, through every backbone."""

import numpy as np
import pytest
import tensorflow as tf

import zoo
from tfvae.parts import choices
from tfvae.randomness import seed_of
from zoo.command import parts_of_zoo
from zoo.modalities import images

parts_of_zoo.known()
NAMES = sorted(choices("backbone", "images"))

VECTOR, GRID = {}, {"prior": "ar1"}
ROWS = [(name, shape, VECTOR) for name in NAMES for shape in ((5, 7, 3), (17, 11, 1))]
ROWS += [(name, shape, GRID) for name in NAMES for shape in ((1, 9, 1), (7, 5, 3))]
CAUSAL = ("gated_pixelcnn", "masked_pixelcnn", "pixel_snail")


@pytest.mark.parametrize(("backbone", "shape", "latent"), ROWS)
def test_each_pixel_is_told_the_code_and_no_later_pixel(backbone, shape, latent):
    """Parameters are those of the image's own pixels; every weight gets a finite gradient."""
    bits = 8 if shape[-1] == 3 else 1
    space = images.Space(shape, bits)
    model = zoo.build("vae", space=space, backbone=backbone, size="tiny", latent_width=3, **latent)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2**bits, (2, *shape)).astype(np.float32)
    with tf.GradientTape() as tape:
        drawn = model.draw(tf.constant(x), seed_of(0))
        loss = tf.reduce_sum(drawn.rate) - tf.reduce_sum(drawn.log_likelihood)
    weights = model.trainable_variables
    for weight, gradient in zip(weights, tape.gradient(loss, [w.value for w in weights])):
        assert gradient is not None and np.isfinite(gradient).all(), weight.path
    for weight in model.decoder.trainable_variables:  # some begin at 0, and nothing would reach
        weight.assign(weight + 0.05 * rng.normal(size=weight.shape).astype(np.float32))
    z = rng.normal(size=(2, *model.latent.event_shape)).astype(np.float32)
    seen = model.likelihood.preprocess(x)
    parameters = model.decoder(z, seen).numpy()
    assert parameters.shape == (2, *shape[:2], model.likelihood.parameter_size(shape[-1]))
    other = model.decoder(z + rng.normal(size=z.shape).astype(np.float32), seen).numpy()
    assert np.all(np.abs(other - parameters).max(-1) > 0)
    row, column = shape[0] // 2, shape[1] // 2
    changed = x.copy()
    changed[:, row, column] = 2**bits - 1 - changed[:, row, column]
    moved = model.decoder(z, model.likelihood.preprocess(changed)).numpy() != parameters
    moved = moved.any(-1).reshape(2, -1)
    here = row * shape[1] + column
    assert not moved[:, : here + 1].any() and moved.any() == (backbone in CAUSAL)


@pytest.mark.parametrize("backbone", ["deconvolutional", "gated_pixelcnn"])
def test_an_odd_image_is_made_whole(backbone):
    space = images.Space((5, 7, 3), 8)
    model = zoo.build("vae", space=space, backbone=backbone, size="tiny", latent_width=3)
    x = model.sample(2, seed=0).numpy()
    assert x.shape == (2, 5, 7, 3) and len(np.unique(x)) > 20 and x.min() >= 0 and x.max() <= 255
