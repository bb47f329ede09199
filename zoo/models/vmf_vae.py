"""`vmf_vae`: codes on the unit sphere, whose rate is a constant that nothing can bring to 0.

    q(z|x) = C exp(kappa mu(x) . z),   p(z) uniform on |z| = 1,   rate = ln C + kappa A(kappa) + ln area

kappa (concentration) is held; the encoder says a direction alone. posterior=vmf_learned is the S-VAE of
Davidson et al. 2018, and posterior=power_spherical the other family of the sphere.

Not for a rate that differs from x to x (held concentration), and many dimensions at a small
concentration: the constant is then near 0.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Xu and Durrett, Spherical Latent Spaces for Stable Variational Autoencoders, EMNLP 2018",
    Defaults("pydoc", "lstm", train_steps=1500, batch_size=32, learning_rate=2e-3),
    {"posterior": "vmf", "latent_width": 50, "concentration": 35.0},
)
