"""`cyclical_vae`: the weight of the rate rises from 0 to 1 several times.

    w = f(tau / R) if tau <= R else 1,   tau the place in one of M cycles   (Fu et al. 2019, eq. 6 to 8)

Each restart opens the way through z again, with a decoder that knows useful codes already. The
released code restarts the learning rate too: learning_rate_schedule=restarts, a switch of its own.

Not for a decoder that can do without the code for good: each cycle opens the way through z, none keeps
it open.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Fu, Li, Liu, Gao, Celikyilmaz and Carin, Cyclical Annealing Schedule, NAACL 2019",
    Defaults("pydoc", "lstm", train_steps=1500, batch_size=32, learning_rate=2e-3),
    {"rate_weight": "cyclical"},
)
