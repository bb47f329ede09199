"""`vfae`: the code keeps what the label needs, and not what a sensitive column says.

    p(x, s|y) = p(s) int p(x|z1, s) p(z1|z2, y) p(z2),   q(z1|x, s) q(z2|z1, y) q(y|z1)
    known:    J = E[log p(x, s|z1) + log p(z1|z2, y) + log p(z2) - log q(z1|x, s) - log q(z2|z1, y)]
    unknown:  J = E[sum_y q(y|z1) (the same) - KL(q(y|z1) || p(y))]
    loss = -J - a log q(y|z1) + l MMD^2(z1 of s = 0, z1 of s = 1)

s is a category of x (sensitive_column of data=sensitive_rows), y the label, a is
label_weight, l sinks_weight; the MMD is by random kitchen sinks. Divergences are estimated at the draws,
nats. z1 is the code of the model, z2 lies in its prior (prior=nested). A few labels are said by
`--set=batches=partly_labelled`.

Not for a promise of fairness: ask classifiers that are trained afterwards what they find of s. Where y
depends on s, a code that tells y tells some of s. Tables only.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Louizos, Swersky, Li, Welling and Zemel, The Variational Fair Autoencoder, ICLR 2016",
    Defaults(dataset="diabetes", backbone="mlp", train_steps=1000),
    {
        "prior": "nested",
        "condition": "guessed_labels",
        "labels_told_to": "prior",
        "classifier": "dense",
        "inference": "enumerated",
        "terms": "+label_likelihood,+kitchen_sinks",
        "sinks_between": "sensitive",
        "label_weight": 10.0,
        "latent_width": 10,
        "nested_width": 10,
    },
    point_on={"tables": {"data": "sensitive_rows"}},
)
