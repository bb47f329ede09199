"""`flow_vae`: posterior and prior are flows: noise that several invertible steps have moved.

    loss = E_q(z|x)[-log p(x|z) + log q(z|x) - log p(z)],   log q(z|x) = log q_0(e|x) - log |det dz/de|,
                                                            log p(z) = log N(u; 0, I) + log |det du/dz|

z = f(e; x) is an inverse autoregressive flow, whose draws take one pass (`posterior=` has planar and coupling
flows too); u = g(z) a masked one, whose density does. The rate has no closed form: log q - log p at the draw.

Not for speed, and for a decoder that ignores z: a better family of posteriors moves no information into
the code. The coupling flows need two numbers or more.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Kingma, Salimans, Jozefowicz, Chen, Sutskever and Welling, Improving Variational Inference with Inverse "
    "Autoregressive Flow, NIPS 2016; Papamakarios, Pavlakou and Murray, MAF, NIPS 2017",
    Defaults(backbone="mlp", train_steps=2000),
    {"posterior": "iaf", "prior": "maf"},
)
