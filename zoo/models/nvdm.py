"""`nvdm`: the neural variational document model, bags of words from a Gaussian code.

    log p(x|z) = sum_w x_w log softmax(W z + b)_w,   loss = -log p(x|z) + KL(q(z|x) || N(0, I))

x_w counts word w in the document; an MLP reads the counts. On the sphere (Xu and Durrett 2018) it is
--set=posterior=vmf --set=concentration=100.

Not for word order, which a bag of words does not hold.
"""

from zoo.recipe import Defaults, Recipe

RECIPE = Recipe(
    "Miao, Yu and Blunsom, Neural Variational Inference for Text Processing, ICML 2016",
    Defaults("pydoc_words", "mlp", train_steps=2000, batch_size=64, learning_rate=1e-3),
    {"latent_width": 25},
)
