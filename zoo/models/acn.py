"""`acn`: the prior is told the code of a similar training example, so a rich code is cheap.

    q(z|x) = N(c(x), I),   c' one of the K nearest codes of other training examples
    loss = distortion + KL(q(z|x) || p(z|c')),   p(z|c') a mixture of Gaussians for each number of z

The codes of the training set lie in the model and are searched at each step. The loss is a training
objective and **not** a bound of -log p(x): which neighbour is taken depends on x. Honest figures are
those of a prior over codes that is fitted afterwards (auxiliary).

Not for a density: the conditional objective bounds nothing, and the fitted prior is a weak one. It needs
the memory of all training codes, so nothing larger than fits.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Graves, Menick and van den Oord, Associative Compression Networks for Representation Learning, "
    "arXiv 1804.02476, 2018",
    Defaults(train_steps=2000),
    {
        "prior": "neighbour",
        "posterior": "fixed_scale",
        "latent_width": 16,
        "stages": "+auxiliary_prior",
    },
)
