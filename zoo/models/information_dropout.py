"""`information_dropout`: a layer whose multiplicative noise grows where x tells nothing of the label.

    z = f(x) exp(alpha(x) n),   n ~ N(0, 1),   alpha(x) = 0.001 + alpha_max sigmoid(g(x))
    loss = E_q(z|x)[-log q(y|z)] + beta KL(q(z|x) || p(z)),   p(z) log-normal with two learned numbers

As `vib`, with noise that multiplies; under a prior of independent numbers the same term punishes the total
correlation of z. beta is the released one by the number of training examples. code_activation=relu with
prior=log_uniform is the paper's other layer, whose cost is no divergence; target=none makes a VAE of it. To
encode the noise is off, and so it is in predict_labels(x, num_draws=0), the paper's test mode.

encoder=information_dropout puts such a layer after each hidden one of the encoder, too (of any model of
images, tables or documents with one vector as its code). What they cost is the term noise_cost, with the
released weight of 3 by the number of training examples unless noise_weight says another. In training alone
are they noisy.

Not for noise that stays: with it off, numbers are smaller than they were on the average in training, by
exp(-alpha^2 / 2), and no statistics are gathered anew for that.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Achille and Soatto, Information Dropout: Learning Optimal Representations Through Noisy Computation, "
    "PAMI 2018",
    Defaults(backbone="mlp", train_steps=3000),
    {
        "target": "terms",
        "classifier": "dense",
        "terms": "+label_likelihood",
        "posterior": "information_dropout",
        "prior": "log_normal",
        "beta": 3e-3,
        "latent_width": 32,
    },
)
