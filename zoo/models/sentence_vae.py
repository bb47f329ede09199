"""`sentence_vae`: the LSTM-VAE of sentences, with an annealed rate and word dropout.

    loss = distortion + w(step) rate,   w = sigmoid(k (step - midpoint))   (or linear: annealing=linear)

`word_keep` below 1 starves the decoder of its own past; 0 is the inputless decoder, which has z and
the length alone. Bowman et al. 2016, section 3.

Not for long trainings at full word_keep: when the annealing is over the rate goes back to 0.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Bowman, Vilnis, Vinyals, Dai, Jozefowicz and Bengio, Generating Sentences from a Continuous Space, "
    "CoNLL 2016",
    Defaults("pydoc", "lstm", train_steps=1500, batch_size=32, learning_rate=2e-3),
    {"rate_weight": "sigmoid"},
)
