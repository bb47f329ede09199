"""`cnn_vae`: a decoder of dilated causal convolutions, which sees so much of the past and no more.

    R = 1 + (k - 1) sum_i d_i tokens: 15 (scnn), 63 (mcnn), 125 (lcnn), 187 (vlcnn) at k = 3

A short memory makes the code worth its nats. Yang et al. 2017, section 3.

Not for sentences that are shorter than the window: the decoder then sees all of the past, and the code
is lost as with an LSTM.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Yang, Hu, Salakhutdinov and Berg-Kirkpatrick, Improved Variational Autoencoders for Text Modeling "
    "using Dilated Convolutions, ICML 2017",
    Defaults("pydoc", "dilated_cnn", train_steps=1500, batch_size=32),
    {"rate_weight": "linear", "cnn": "scnn"},
)
