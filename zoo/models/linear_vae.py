"""`linear_vae`: probabilistic PCA as a VAE, in which every measure has a closed form.

    x ~ N(W z + mu, v I),   q(z|x) = N(V (x - mu), diag(delta)),   loss = distortion + beta rate
    unit i is active if and only if  (variance of the data along it) l_i > beta v

What collapses here collapses at the optimum of the likelihood itself: a decoder variance too large for
the data is enough. `tfvae.diagnosis.linear_gaussian` has the closed forms.

Not for real images: it is a ruler, not a model.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Lucas, Tucker, Grosse and Norouzi, Don't Blame the ELBO! A Linear VAE Perspective on Posterior "
    "Collapse, NeurIPS 2019",
    Defaults("gaussian", "linear", train_steps=3000, batch_size=200, learning_rate=1e-2),
    {"posterior": "shared_scale", "latent_width": 5, "variance": 1.0},
)
