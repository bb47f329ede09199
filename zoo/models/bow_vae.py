"""`bow_vae`: z alone must also know which words there are.

    loss = distortion + w(step) rate - sum_t log softmax(MLP(z))_{x_t}

The term is no part of any measure, and its head of no exported model. Zhao et al. 2017, eq. 8.

Not for anything but words. What z learns is which words there are, not their order.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Zhao, Zhao and Eskenazi, Learning Discourse-level Diversity for Neural Dialog Models using "
    "Conditional Variational Autoencoders, ACL 2017",
    Defaults("pydoc", "lstm", train_steps=1500, batch_size=32, learning_rate=2e-3),
    {"terms": "+bag_of_words"},
)
