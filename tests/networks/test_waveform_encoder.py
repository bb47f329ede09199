"""The strided encoder: what a frame sees, and what is refused."""

import numpy as np
import pytest

from tests.networks.text_parts import normal, randomise, sensitivity
from tfvae.checks import UserError
from tfvae.networks import WaveformEncoder, halvings

T, R = 48, 4


def _reach(**more):
    """[n, T]: how frames depend on samples; linear where relu would hide a path."""
    encoder = WaveformEncoder(6, R, blocks=1, **more)
    encoder.build((None, T))
    randomise(encoder, 0.4)
    for layer in (*encoder.strided, *encoder.inner):
        layer.bias.assign(layer.bias + 3.0)
    return sensitivity(lambda x: encoder(x[..., 0]), normal(3, T, 1, seed=3))


def test_a_frame_sees_both_sides_about_its_samples():
    reach = _reach() > 0
    middle = T // R // 2
    seen = np.flatnonzero(reach[middle])
    # two convolutions of window 4, stride 2, see 10 samples; the block one frame to each side
    assert (seen[0], seen[-1]) == (middle * R - 3 - R, middle * R + 6 + R)
    assert reach.shape == (T // R, T)


def test_an_anti_causal_frame_sees_nothing_before_it():
    reach = _reach(anti_causal=True)
    for frame, row in enumerate(reach):
        assert np.all(row[: frame * R] == 0)
        assert row[frame * R] > 0


def test_one_vector_sees_everything():
    encoder = WaveformEncoder(6, R, units=7)
    assert encoder(normal(2, T)).shape == (2, 7)
    assert WaveformEncoder(6, 16)(normal(2, T)).shape == (2, 3, 6)


def test_what_does_not_halve_is_refused():
    assert halvings(64) == 6
    with pytest.raises(UserError, match="downsampling must be a power of 2 from 2 on, got 48"):
        WaveformEncoder(6, 48)
    with pytest.raises(UserError, match="multiple of downsampling=32, got 48"):
        WaveformEncoder(6, 32).build((None, T))
