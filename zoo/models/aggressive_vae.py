"""`aggressive_vae`: the encoder is brought up to the decoder before each of the decoder's steps.

    while aggressive:  repeat { phi <- step }  until the loss stops falling;   theta <- step

Early in training q(z|x) lags behind the posterior that the decoder implies, and the decoder learns to
do without it; the objective stays the plain ELBO. It ends when the mutual information of validation
data no longer rises. He et al. 2019, algorithm 1.

With an LSTM both move by SGD at 1.0, as released: with Adam on the decoder the code is lost all the
same, unless the rate is annealed too (`python -m zoo.benchmarks lagging`). With any other decoder both
move by Adam, as released for images.

Not for a hurry: an outer step may take a hundred inner ones. Where the decoder needs no code (a strong
PixelCNN), a well-trained encoder is brought to the prior all the same.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "He, Spokoyny, Neubig and Berg-Kirkpatrick, Lagging Inference Networks and Posterior Collapse in "
    "Variational Autoencoders, ICLR 2019",
    Defaults("pydoc", "lstm", train_steps=1500, batch_size=32),
    {"procedure": "aggressive"},
    {"lstm": {"optimizer": "sgd"}},
)
