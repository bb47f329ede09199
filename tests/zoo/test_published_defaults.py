"""Every default that a paper or its code gives, once, with the figure of the source beside it."""

import functools
import inspect
import pathlib

import keras
import numpy as np
import pytest

from tests import models
from tests.zoo.points import value
from tfvae import metrics, objectives, schedules
from tfvae.latents import FixedScalePosterior, NeighbourPrior
from tfvae.procedures import Aggressive, MovingCodebook, Plateau
from zoo import models as systems
from zoo.backbones import masked_pixelcnn, pixel_snail
from zoo.backbones import text as text_backbones
from zoo.command import assemble, plan, run
from zoo.modalities import images, text

FLAGS = pathlib.Path(systems.__file__).parents[1] / "flagfiles"
BITS = images.Space((8, 8, 1), 1)
WORDS = text.Space(20, 9)


def setting(model, name, **more):
    """What a bare run of the model has."""
    return value(plan.resolve(model, **more).point, name)


def of_text(model, name):
    return setting(model, name, dataset="pydoc", backbone="lstm")


def part_of_text(model, place):
    return plan.resolve(model, dataset="pydoc", backbone="lstm").point[place].name


def flag(file, name):
    """What a flagfile says, a number where it is one."""
    for line in (FLAGS / f"{file}.flags").read_text().splitlines():
        key, _, value = line.removeprefix("--").removeprefix("set=").partition("=")
        if key == name:
            try:
                return float(value)
            except ValueError:
                return {"true": True, "false": False}.get(value, value)
    raise AssertionError(f"{file} says nothing of {name}")


def default(function, name):
    """A default of a part of the library."""
    return inspect.signature(function).parameters[name].default


@functools.lru_cache
def _stages(model, dataset="digits", backbone="mlp", space=BITS, **values):
    resolved = plan.resolve(model, (), values, dataset=dataset, backbone=backbone, batch_size=100)
    made_for = run.context(resolved, space, 5000)
    described = systems.load(model)
    vae = assemble.model(described, made_for)
    return list(assemble.stages(described, made_for, vae))


def critic(model):
    """The optimizer of its critic."""
    return _stages(model)[-1].procedure.players[0].update.optimizer


def aggressive(space, backbone, **values):
    dataset = "pydoc" if space is WORDS else "digits"
    return _stages("aggressive_vae", dataset, backbone, space, **values)[0].procedure


def weight(step, **values):
    """Of the rate, in a run of 1,000 steps."""
    resolved = plan.resolve("vae", (), values, dataset="digits", backbone="mlp", train_steps=1000)
    return float(resolved.point["rate_weight"].make(run.context(resolved, BITS))(step))


def rate(step, name):
    """The learning rate of that schedule, of 1,000 steps from 1."""
    resolved = plan.resolve("vae", (), {"learning_rate_schedule": name}, dataset="digits")
    return float(resolved.point["learning_rate_schedule"].make(None, 1.0, 1000)(step))


HE = "He et al. 2019, released code (text.py, image.py)"
LI = "Li et al. 2019, released code (text_beta.py, text_anneal_fb.py)"
KIM = "Kim et al. 2018, released code (train_text.py)"
FU = "Fu et al. 2019, eq. 6 to 8"
FU_CODE = "Fu et al. 2019, released code (train_text_cyc_ptb.py)"
WAE = "Tolstikhin et al. 2018, released code (wae.py, configs.py)"
ZHAO = "Zhao et al. 2017, released code (mmd_vae_eval.py)"
FACTOR = "Kim and Mnih 2018"
VQ = "van den Oord et al. 2017, sections 3.2 and A.1"
ACN = "Graves et al. 2018"
YANG = "Yang et al. 2017, section 3.3"
SNAIL = "Chen et al. 2018, released code (h12_noup_smallkey)"
IMQ = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
BURDA = "Burda et al. 2016, released code (experiments.py)"
LOCATELLO = "Locatello et al. 2019, released code (disentanglement_lib)"
CHEN = "Chen et al. 2017 (Variational Lossy Autoencoder), appendices A and C"

ROWS = [
    # name, what stands here, the source's figure, the source
    ("inner steps at most", lambda: of_text("aggressive_vae", "inner_steps"), 99, HE),
    ("the same, library", lambda: default(Aggressive, "inner_steps"), 99, HE),
    ("window of the loss, text", lambda: aggressive(WORDS, "lstm").window, 15, HE),
    ("window of the loss, images", lambda: aggressive(BITS, "mlp").window, 10, HE),
    ("stopping rule, text", lambda: aggressive(WORDS, "lstm").stopping, "previous", HE),
    ("stopping rule, images", lambda: aggressive(BITS, "mlp").stopping, "best", HE),
    ("failures of the rule, images", lambda: aggressive(BITS, "mlp").patience, 5, HE),
    ("a check each epoch", lambda: aggressive(BITS, "mlp").check_every, 5000 // 100, HE),
    ("gradient norm", lambda: of_text("aggressive_vae", "clip_norm"), 5.0, HE),
    ("the same, library", lambda: default(Aggressive, "clip_norm"), 5.0, HE),
    ("SGD with an LSTM", lambda: part_of_text("aggressive_vae", "optimizer"), "sgd", HE),
    ("factor of a plateau", lambda: default(Plateau, "factor"), 0.5, HE),
    ("patience of a plateau, text", lambda: default(Plateau, "patience"), 2, HE),
    ("falls of a plateau", lambda: default(Plateau, "falls"), 5, HE),
    ("VLAE: a change of gamma", lambda: default(objectives.SoftFreeBits, "change"), 0.1, CHEN),
    ("the same, in the zoo", lambda: setting("vlae", "free_rate_change"), 0.1, CHEN),
    ("VLAE: tolerance", lambda: default(objectives.SoftFreeBits, "tolerance"), 0.05, CHEN),
    ("the same, in the zoo", lambda: setting("vlae", "free_rate_tolerance"), 0.05, CHEN),
    ("VLAE: steps of the flow", lambda: setting("vlae", "maf_flows"), 4, CHEN),
    ("VLAE: they shift alone", lambda: setting("vlae", "maf_scale"), "shift", CHEN),
    ("VLAE: the decoder", lambda: tuple(masked_pixelcnn.SIZES["paper"]), (12, 6, 3), CHEN),
    ("VLAE: maps beside the image", lambda: masked_pixelcnn.MAPS, 4, CHEN),
    *(
        row
        for file in ("vlae_mnist", "vlae_omniglot")
        for row in (
            (f"{file}: width of z", lambda f=file: flag(f, "latent_width"), 64, CHEN),
            (f"{file}: masked layers", lambda f=file: flag(f, "decoder_layers"), 6, CHEN),
            (f"{file}: their filters", lambda f=file: flag(f, "decoder_filters"), 12, CHEN),
            (f"{file}: units of a MADE", lambda f=file: flag(f, "maf_units"), 640, CHEN),
            (f"{file}: free nats", lambda f=file: flag(f, "free_bits"), 0.01 * 28 * 28, CHEN),
            (f"{file}: averaging", lambda f=file: flag(f, "ema_decay"), 0.998, CHEN),
        )
    ),
    ("units active above", lambda: default(metrics.active_units, "threshold"), 0.01, HE),
    *(
        row
        for file in ("aggressive_vae_yahoo_paper", "sentence_vae_yelp_paper")
        for row in (
            (f"{file}: SGD's rate", lambda f=file: flag(f, "learning_rate"), 1.0, HE),
            (f"{file}: batch", lambda f=file: flag(f, "batch_size"), 32, HE),
            (f"{file}: width of z", lambda f=file: flag(f, "latent_width"), 32, HE),
            (f"{file}: first weights", lambda f=file: flag(f, "initial_scale"), 0.01, HE),
            (f"{file}: embeddings", lambda f=file: flag(f, "embedding_scale"), 0.1, HE),
            (f"{file}: dropout", lambda f=file: flag(f, "output_dropout"), 0.5, HE),
            (f"{file}: weight at first", lambda f=file: flag(f, "annealing_start"), 0.1, HE),
            (f"{file}: ramp of 10 epochs", lambda f=file: flag(f, "annealing_steps"), 31250, HE),
            (f"{file}: epochs at most", lambda f=file: flag(f, "train_steps"), 312500, HE),
            (f"{file}: falls from epoch 16", lambda f=file: flag(f, "plateau_start"), 50000, HE),
            (f"{file}: patience", lambda f=file: flag(f, "plateau_patience"), 2, HE),
            (f"{file}: head", lambda f=file: flag(f, "posterior_head"), "log_variance", HE),
            (f"{file}: samples of the NLL", lambda f=file: flag(f, "nll_samples"), 500, HE),
        )
    ),
    (
        "batches of the stopping rule's information",
        lambda: flag("aggressive_vae_yahoo_paper", "information_batch_size"),
        32,
        HE,
    ),
    ("lm: patience", lambda: flag("lm_yahoo_paper", "plateau_patience"), 5, HE),
    ("free bits: rate", lambda: flag("free_bits_vae_yahoo_paper", "learning_rate"), 0.5, LI),
    ("free bits: 8 of 32", lambda: flag("free_bits_vae_yahoo_paper", "free_bits"), 8 / 32, LI),
    ("free bits: patience", lambda: flag("free_bits_vae_yahoo_paper", "plateau_patience"), 5, LI),
    (
        "free bits: of each example and dimension",
        lambda: flag("free_bits_vae_yelp_paper", "free_bits_form"),
        "example_group",
        LI,
    ),
    ("SA-VAE: ramp of 9 epochs", lambda: flag("sa_vae_yahoo_paper", "annealing_steps"), 28125, KIM),
    ("SA-VAE: epochs", lambda: flag("sa_vae_yahoo_paper", "train_steps"), 30 * 3125, KIM),
    ("SA-VAE: halves from", lambda: flag("sa_vae_yahoo_paper", "plateau_start"), 15 * 3125, KIM),
    ("SA-VAE: first weights", lambda: flag("sa_vae_yahoo_paper", "initial_scale"), 0.1, KIM),
    ("SA-VAE: K", lambda: flag("sa_vae_yahoo_paper", "svi_steps"), 20, KIM),
    ("SA-VAE: step", lambda: of_text("sa_vae", "svi_step_size"), 1.0, KIM),
    ("SA-VAE: momentum", lambda: of_text("sa_vae", "svi_momentum"), 0.5, KIM),
    ("SA-VAE: clipping", lambda: of_text("sa_vae", "svi_clip_norm"), 5.0, KIM),
    ("cycles", lambda: of_text("cyclical_vae", "cycles"), 4, FU),
    ("rising part of a cycle", lambda: of_text("cyclical_vae", "cycle_ratio"), 0.5, FU),
    ("the same, library", lambda: default(schedules.Cyclical, "ratio"), 0.5, FU),
    ("released: full after", lambda: flag("cyclical_vae_ptb_paper", "cycle_ratio"), 0.45, FU_CODE),
    ("released: from", lambda: flag("cyclical_vae_ptb_paper", "annealing_start"), 0.1, FU_CODE),
    (
        "released: best kept",
        lambda: flag("cyclical_vae_ptb_paper", "kept_weights"),
        "best",
        FU_CODE,
    ),
    ("released: 40 epochs", lambda: flag("cyclical_vae_ptb_paper", "train_steps"), 52600, FU_CODE),
    ("scnn", lambda: text_backbones.DILATIONS["scnn"], (1, 2, 4), YANG),
    ("mcnn", lambda: text_backbones.DILATIONS["mcnn"], (1, 2, 4, 8, 16), YANG),
    ("lcnn", lambda: text_backbones.DILATIONS["lcnn"], (1, 2, 4, 8, 16) * 2, YANG),
    ("vlcnn", lambda: text_backbones.DILATIONS["vlcnn"], (1, 2, 4, 8, 16) * 3, YANG),
    ("kernel of the CNN", lambda: flag("cnn_vae_yahoo_paper", "kernel_size"), 3, YANG),
    ("LSTM of size paper", lambda: text_backbones.SIZES["paper"][:2], (512, 1024), HE),
    ("Transformer of size paper", lambda: text_backbones.SIZES["paper"][2:], (12, 8), "GPT sizes"),
    ("PixelSNAIL of size paper", lambda: pixel_snail.SIZES["paper"], (256, 12, 4, 16, 128), SNAIL),
    ("WAE: Adam's beta1", lambda: setting("wae_mmd", "adam_beta1"), 0.5, WAE),
    ("the same", lambda: setting("wae_gan", "adam_beta1"), 0.5, WAE),
    ("WAE: critic's betas", lambda: betas(critic("wae_gan")), (0.5, 0.999), WAE),
    ("WAE: critic's rate", lambda: critic_rate("wae_gan"), 5e-4, WAE),
    ("WAE: width of z", lambda: setting("wae_gan", "latent_width"), 8, WAE),
    ("WAE: lambda of the critic", lambda: setting("wae_gan", "adversary_weight"), 10.0, WAE),
    ("WAE: critic's layers", lambda: setting("wae_gan", "critic_layers"), 4, WAE),
    ("WAE: scales of the kernel", lambda: setting("wae_mmd", "mmd_scales"), IMQ, WAE),
    ("WAE: unbiased MMD", lambda: setting("wae_mmd", "mmd_unbiased"), True, WAE),
    ("WAE: pretraining, steps", lambda: _stages("wae_mmd")[0].steps, 200, WAE),
    ("WAE: pretraining, points", lambda: _stages("wae_mmd")[0].batch_size, 1000, WAE),
    ("WAE: pretraining, loss", lambda: _stages("wae_mmd")[0].procedure.below, 0.1, WAE),
    ("InfoVAE: alpha = 1", lambda: setting("info_vae", "beta"), 0.0, ZHAO),
    ("FactorVAE: critic's betas", lambda: betas(critic("factor_vae")), (0.5, 0.9), FACTOR),
    ("FactorVAE: width of z", lambda: setting("factor_vae", "latent_width"), 10, FACTOR),
    ("FactorVAE: gamma", lambda: flag("factor_vae_sprites", "ratio_weight"), 35, FACTOR),
    ("beta-TCVAE: beta - 1", lambda: setting("beta_tcvae", "tc_weight"), 6 - 1, "Chen et al. 2018"),
    ("commitment", lambda: setting("vq_vae", "commitment"), 0.25, VQ),
    ("decay of the codebook", lambda: setting("vq_vae", "codebook_decay"), 0.99, VQ),
    ("the same, library", lambda: default(MovingCodebook, "decay"), 0.99, VQ),
    ("neighbours", lambda: setting("acn", "neighbours"), 5, ACN),
    ("the same, library", lambda: default(NeighbourPrior, "num_neighbours"), 5, ACN),
    ("sigma of the posterior", lambda: setting("acn", "posterior_scale"), 1.0, ACN),
    ("the same, library", lambda: default(FixedScalePosterior, "scale"), 1.0, ACN),
    ("width of the transition", lambda: setting("acn", "transition_units"), 512, ACN),
    (
        "delta-VAE: Polyak averaging",
        lambda: flag("delta_vae_cifar10_paper", "ema_decay"),
        0.9995,
        SNAIL,
    ),
    ("decay of the rate a step", lambda: rate(1, "exponential"), 0.999995, SNAIL),
    ("trees of DCI", lambda: default(metrics.dci, "trees"), 100, LOCATELLO),
    ("bins of MIG", lambda: default(metrics.mutual_information_matrix, "bins"), 20, LOCATELLO),
    (
        "batch of a FactorVAE vote",
        lambda: default(metrics.factor_vae_score, "batch"),
        64,
        LOCATELLO,
    ),
    ("votes", lambda: default(metrics.factor_vae_score, "votes"), 10_000, LOCATELLO),
    (
        "mixture components",
        lambda: flag("delta_vae_cifar10_paper", "mixture_components"),
        10,
        SNAIL,
    ),
    ("IWAE: samples", lambda: flag("iwae_mnist", "num_samples"), 50, BURDA),
    ("IWAE: numbers of z", lambda: flag("iwae_mnist", "latent_width"), 50, BURDA),
    ("IWAE: batch", lambda: flag("iwae_mnist", "batch_size"), 20, BURDA),
    ("IWAE: the last rate", lambda: rate(999, "tripling"), 0.1, BURDA),
    (
        "GECO's average",
        lambda: default(objectives.DualVariable, "ema"),
        0.99,
        "Rezende, Viola 2018",
    ),
]


def betas(optimizer):
    return optimizer.beta_1, optimizer.beta_2


def critic_rate(model):
    return float(np.float32(keras.ops.convert_to_numpy(critic(model).learning_rate)))


@pytest.mark.parametrize(
    ("found", "published"), [row[1:3] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_a_default_is_the_one_of_its_source(found, published):
    assert (
        found() == pytest.approx(published)
        if not isinstance(published, str)
        else (found() == published)
    )


OURS = [
    # what no paper gives, and nothing else names
    ("drop: a fifth", lambda: [rate(step, "drop") for step in (699, 700)], [1.0, 0.2]),
    ("sigmoid: a half at a tenth", lambda: weight(100, rate_weight="sigmoid"), 0.5),
    ("sigmoid: slope", lambda: weight(0, rate_weight="sigmoid"), 1 / (1 + np.exp(6.0))),
    (
        "linear: a fifth of the run",
        lambda: [weight(s, rate_weight="linear") for s in (100, 200)],
        [0.5, 1],
    ),
    ("capacity: a half of the run", lambda: capacity_of(250), 2.0),
    ("InfoVAE as released: 50 a pixel", lambda: mmd_weight(mmd_weight_of="number"), 50.0 * 64),
    ("InfoVAE with IMQ: 50 an example", lambda: mmd_weight(), 50.0),
    ("delta-VAE: nats", lambda: setting("delta_vae", "committed_rate"), 2.0),
]


def capacity_of(step):
    resolved = plan.resolve(
        "vae", (), {"rate_budget": "capacity", "capacity": 4.0}, dataset="digits", train_steps=1000
    )
    made = resolved.point["rate_budget"].make(run.context(resolved, BITS), None)
    return float(made["capacity"][1].target(step))


def mmd_weight(**values):
    resolved = plan.resolve("info_vae", (), values, dataset="digits")
    (mmd,) = resolved.point["terms"]
    weight, _ = mmd.make(run.context(resolved, BITS)).terms["mmd"]
    return weight


@pytest.mark.parametrize(("found", "ours"), [row[1:] for row in OURS], ids=[row[0] for row in OURS])
def test_a_default_of_our_own(found, ours):
    np.testing.assert_allclose(found(), ours, rtol=1e-5)


@pytest.mark.statistical
@pytest.mark.parametrize(("rows", "ceiling"), [(None, 480), (32, 32)])
def test_the_stopping_rule_s_information_is_the_mean_over_batches_of_the_setting(rows, ceiling):
    """Codes far apart know which of the batch they are: ln 480 of all in one, ln 32 of batches of 32.

    480 draws of three numbers, whose log q is noisy by sqrt(3 / 2): a standard error of 0.056, and a
    false-fail rate of 1e-7.
    """
    found = aggressive(BITS, "mlp", information_batch_size=rows).information
    model = models.plain()
    x = np.random.default_rng(0).integers(0, 2, (480, *models.SHAPE)).astype("float32")
    model.latent.posterior.mean_head.kernel.assign(1e4 * model.latent.posterior.mean_head.kernel)
    found.take(x)
    assert found(model) == pytest.approx(np.log(ceiling), abs=0.3)
