"""`vib`: the code keeps what tells the label, and pays for every nat of x beyond.

    loss = E_q(z|x)[-log q(y|z)] + beta KL(q(z|x) || p(z))
    I(Z; Y) >= H(Y) - CE,   I(Z; X) <= rate     nats

The deep variational information bottleneck: a VAE whose target is y and not x, so that there is no
decoder, no likelihood of x and no sample. `predict_labels` averages the label's probabilities over draws of
z. The report has both bounds, in bits; beta is the same in any unit, as long as both terms have it.

Not for data without labels, nor for codes that say what x looks like: beside the label little is left of it.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Alemi, Fischer, Dillon and Murphy, Deep Variational Information Bottleneck, ICLR 2017",
    Defaults(backbone="mlp", train_steps=3000),
    {
        "target": "terms",
        "classifier": "dense",
        "terms": "+label_likelihood",
        "beta": 1e-3,
        "posterior_head": "softplus",
        "latent_width": 16,
    },
)
