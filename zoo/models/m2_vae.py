"""`m2_vae`: a few labels are known; the others are gone through, as far as a classifier believes in them.

    known:    J = E_q(z|x,y)[log p(x|z, y)] - KL(q(z|x, y) || p(z)) + a log q(y|x)
    unknown:  J = sum_y q(y|x) L(x, y) - KL(q(y|x) || p(y)),   L the first two terms above,   loss = -J

M2 of the paper, eq. 6 to 9. labelled_examples (or labelled_fraction) of the training set keep their labels,
evenly by label, and are labelled_share of each batch; a is label_weight. q(y|x) reads the encoder's features.

Not for many labels: each step decodes each of them. A classifier of its own does as well where all labels are
known (`vib`).
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Kingma, Rezende, Mohamed and Welling, Semi-supervised Learning with Deep Generative Models, "
    "NeurIPS 2014",
    Defaults(backbone="mlp", train_steps=2000),
    {
        "batches": "partly_labelled",
        "labelled_examples": 100,
        "condition": "guessed_labels",
        "classifier": "dense",
        "classifier_reads": "features",
        "inference": "enumerated",
        "terms": "+label_likelihood",
        "label_weight": 10.0,
        "latent_width": 10,
    },
)
