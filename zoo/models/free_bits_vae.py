"""`free_bits_vae`: lambda nats of each latent group are not paid for.

    loss = distortion + sum_j max(lambda, mean_b rate_bj)          (Kingma et al. 2016, eq. 15)

The floor can be filled with noise: look at the mutual information. With pretrain_steps the encoder is
that of an autoencoder and the decoder begins anew (Li et al. 2019), who take free_bits_form=
example_group and annealing=linear.

Not for meaning: the free nats may be filled with noise. Look at the mutual information, not at the rate.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Kingma et al., Inverse Autoregressive Flow, NeurIPS 2016; Li, He, Neubig, Berg-Kirkpatrick and Yang, "
    "A Surprisingly Effective Fix for Deep Latent Variable Modeling of Text, EMNLP 2019",
    Defaults("pydoc", "lstm", train_steps=1500, batch_size=32, learning_rate=2e-3),
    {"rate_budget": "free_bits"},
)
