"""A linear VAE with Gaussian noise, whose every optimum is known in closed form.

    z ~ N(0, I),   x | z ~ N(W z + m, s2 I),   q(z|x) = N(V x + c, diag d)

The posterior is N(M^-1 W'(x - m), s2 M^-1) with M = W'W + s2 I; of the diagonal q the best has its mean
and the variances s2 / M_ii (Lucas et al. 2019).
"""

import keras
import numpy as np

import tfvae
from tfvae.latents import GaussianPosterior, StandardNormalPrior, StochasticLatent
from tfvae.likelihoods import Gaussian
from tfvae.networks import FactorisedDecoder, MLPEncoder, MLPImage

SQUARES = (25.0, 16.0, 9.0, 4.0, 1.0)


def model(width, latent, variance, seed=0):
    """W, m, V, c and the log-scale's weights as drawn by Keras."""
    keras.utils.set_random_seed(seed)
    shape = (1, width, 1)
    vae = tfvae.VAE(
        MLPEncoder(()),
        StochasticLatent(GaussianPosterior((latent,)), StandardNormalPrior((latent,))),
        FactorisedDecoder(shape, MLPImage(shape, (), 1)),
        Gaussian(variance),
    )
    vae.build()
    return vae


def exact_posterior(vae, x):
    """Mean [N, D] and the best diagonal variances [D], float64."""
    kernel, bias = (v.numpy().astype(float) for v in vae.decoder.trainable_variables)
    s2 = vae.likelihood.variance
    precision = kernel @ kernel.T + s2 * np.eye(len(kernel))
    centred = x.reshape(len(x), -1).astype(float) - bias
    return np.linalg.solve(precision, kernel @ centred.T).T, s2 / np.diag(precision)


def data(eigenvalues, number=256, seed=0):
    """[N, 1, width, 1], with exactly this diagonal covariance and mean 0."""
    x = np.random.default_rng(seed).normal(size=(number, len(eigenvalues)))
    x -= x.mean(0)
    x = x @ np.linalg.inv(np.linalg.cholesky(x.T @ x / number)).T * np.sqrt(eigenvalues)
    return x.reshape(number, 1, -1, 1).astype(np.float32)


def planted(variance=1.0, beta=1.0, squares=SQUARES, width=5):
    """The linear VAE at its optimum under beta: |w_i|^2 = l_i - t, variance t / l_i, t = beta v."""
    vae = model(len(squares), width, variance)
    level, squares = beta * variance, np.array(squares)[:width]
    w = np.sqrt(np.maximum(squares - level, 0.0))
    vae.decoder.network.output_layer.kernel.assign(np.eye(width, len(SQUARES)) * w[:, None])
    posterior = vae.latent.posterior
    posterior.mean_head.kernel.assign(np.eye(len(SQUARES), width) * w / squares)
    posterior.scale_head.kernel.assign(np.zeros((len(SQUARES), width)))
    log_scale = 0.5 * np.log(np.where(w > 0, level / squares, 1.0))
    posterior.scale_head.bias.assign(8 * np.arctanh(log_scale / 8))
    return vae, data(SQUARES, 600)


# A small one, of which every gap is known (Cremer et al. 2018): at GOLDEN_X log p = GOLDEN_LOG_P; the best
# diagonal q has the mean (.178086382, .672029854), the variances (.279329609, .224215247) and the bound
# GOLDEN_DIAGONAL.
GOLDEN_W = np.array([[1, 0.8], [0.5, -0.3], [0.2, 1]])
GOLDEN_X = np.array([1, -0.5, 0.7])
GOLDEN_LOG_P, GOLDEN_DIAGONAL = -3.475168523, -3.575004472


def golden_data(rows):
    """[rows, 1, 3, 1], each the same."""
    return np.tile(GOLDEN_X, (rows, 1)).reshape(rows, 1, 3, 1).astype(np.float32)


def golden(mean=0.4, variance=0.3):
    """q(z|x) = N(mean, variance) of each number, the same for each x; by default L[q] = -3.750267633."""
    vae = model(3, 2, 0.5)
    vae.decoder.network.output_layer.kernel.assign(GOLDEN_W.T)
    posterior = vae.latent.posterior
    # log sigma = 8 tanh(a / 8)
    raw = 8 * np.arctanh(np.log(variance) / 16)
    for head, bias in ((posterior.mean_head, mean), (posterior.scale_head, raw)):
        head.kernel.assign(np.zeros((3, 2)))
        head.bias.assign(np.zeros(2) + bias)
    return vae
