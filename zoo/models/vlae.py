"""`vlae`: a decoder that sees a few pixels and z; what lies beyond its window, only z can tell.

    p(x|z) = prod_i p(x_i | z, the pixels of a small window before i),   z = f(u),  u ~ N(0, I),  f a MAF
    loss = distortion + gamma rate,   gamma <- 1.1 gamma (at most 1) while rate > (1 + tau) lambda,
                                      gamma <- 0.9 gamma while rate < lambda        (soft free bits)

What the code is for is decided by what the decoder can do alone (the window is counted: --describe). The
flow as a prior is an inverse autoregressive posterior over u with a deeper generator. Chen et al. 2017,
section 3.

Not for one global vector: its code is a map, and what the window can tell is not in it.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Chen, Kingma, Salimans, Duan, Dhariwal, Schulman, Sutskever and Abbeel, Variational Lossy Autoencoder, "
    "ICLR 2017",
    Defaults(backbone="masked_pixelcnn dilated_cnn", train_steps=2000),
    {"prior": "maf", "maf_scale": "shift", "rate_budget": "soft_free_bits", "latent_width": 16},
    {"dilated_cnn": {"dilations": (1,), "kernel_size": 2}},
)
