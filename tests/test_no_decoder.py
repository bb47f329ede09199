"""A model without p(x|z): it learns by its terms alone, and says in one line what it has not."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfvae
from tests import models
from tfvae import diagnosis
from tfvae.checks import UserError
from tfvae.inference import many_samples
from tfvae.latents import GaussianPosterior, StandardNormalPrior, StochasticLatent
from tfvae.likelihoods import Bernoulli
from tfvae.networks import MLPEncoder, NoDecoder
from tfvae.objectives import Objective, elbo, rate
from tfvae.procedures import Joint, Update
from tfvae.training import CollapseMonitor
from zoo.command import explore_sections

COUNT = 240


class Classifier:
    """-log q(y|z), y of two classes, from a linear head."""

    needs_label = True

    def build(self, model):
        if not hasattr(self, "head"):
            self.head = keras.layers.Dense(2)
            self.head.build((None, *model.latent.event_shape))

    @property
    def trainable_variables(self):
        return self.head.trainable_variables

    def __call__(self, draw):
        return tf.nn.sparse_softmax_cross_entropy_with_logits(draw.label, self.head(draw.z))


def bottleneck(seed=0):
    """Of x alone, two numbers wide."""
    keras.utils.set_random_seed(seed)
    latent = StochasticLatent(GaussianPosterior((2,)), StandardNormalPrior((2,)))
    made = tfvae.VAE(MLPEncoder((16,), "tanh"), latent, NoDecoder(models.SHAPE), Bernoulli())
    made.build()
    return made


@pytest.fixture(scope="module")
def learned():
    """The deep variational information bottleneck of Alemi et al. 2017: (model, x, label, history)."""
    x = models.images(COUNT)
    label = (x.mean((1, 2, 3)) > 0.5).astype("int32")
    model = bottleneck()
    objective = Objective({"label": Classifier(), "rate": (0.05, rate)})
    model.compile(procedure=Joint(Update(objective, keras.optimizers.Adam(2e-2)), seed=0))
    history = model.fit(x, label, batch_size=40, epochs=20, verbose=0, validation_data=(x, label))
    return model, x, label, history.history


def test_it_learns_by_its_terms_and_reports_no_bound(learned):
    model, x, label, history = learned
    assert history["term/label"][-1] < 0.1 < 0.5 < history["term/label"][0]
    assert not {"elbo", "distortion", "val_elbo", "val_distortion"} & history.keys()
    found = model.evaluate(x, label, verbose=0, return_dict=True)
    assert set(found) == {"loss", "rate"} and found["loss"] < 0.3
    held = model.draw(x, 0)
    assert held.log_likelihood is None and held.z.shape == (COUNT, 2)
    # what two classes can tell, ln 2, at 0.05 a nat
    assert 0.3 < found["rate"] < 6.0
    assert model.predict(x, verbose=0).shape == (COUNT, 2)
    # nothing but codes moves: there are no weights of a decoder
    assert model.count_params() == sum(
        v.shape.num_elements() for v in [*model.encoder.weights, *model.latent.weights]
    )


def test_measuring_says_what_the_code_holds_and_none_of_what_is_not_there(learned):
    model, x, _, _ = learned
    found = diagnosis.measure(model, x, num_samples=2)
    absent = (
        "elbo",
        "elbo_stderr",
        "distortion",
        "nll",
        "bits_per_dim",
        "perplexity",
        "shuffle_gap",
    )
    assert all(found[name] is None for name in absent)
    exact = float(tf.reduce_mean(tf.reduce_sum(model.draw(x, 0).rate, -1)))
    assert found["rate"] == pytest.approx(exact, rel=1e-5)  # the closed form
    assert found["active_units"] >= 1
    # I(x; z) + KL(q(z) || p(z)) is the rate
    whole = found["mutual_information"] + found["marginal_kl"]
    assert whole == pytest.approx(found["rate"], abs=0.2) and found["mutual_information"] > 0.4


def test_it_is_a_file_and_a_served_encoder(learned, tmp_path):
    model, x, _, _ = learned
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.encode(x), model.encode(x))
    assert not again.decodes and again.data_shape == models.SHAPE
    model.export(tmp_path / "saved")
    served = tf.saved_model.load(str(tmp_path / "saved"))
    assert set(served.signatures) == {"encode", "serving_default"}
    np.testing.assert_allclose(served.encode(x), model.encode(x), rtol=1e-5, atol=1e-6)


ASKED = {
    "call": lambda model, x: model(x),
    "decode": lambda model, x: model.decode(np.zeros([2, 2], np.float32)),
    "reconstruct": lambda model, x: model.reconstruct(x),
    "sample": lambda model, x: model.sample(2),
    "conditional": lambda model, x: model.conditional(np.zeros([2, 2], np.float32)),
    "elbo": lambda model, x: model.elbo(x),
    "log_prob": lambda model, x: model.log_prob(x, 4),
    "importance": lambda model, x: model.importance(x, 4),
    "many samples": lambda model, x: many_samples(3)(model, x, tf.constant([0, 0])),
    "diagnose": diagnosis.diagnose,
    "gaps": lambda model, x: diagnosis.inference_gaps(model, x[:4]),
    "pictures": lambda model, x: diagnosis.collect(model, x),
}


@pytest.mark.parametrize("what", ASKED)
def test_what_needs_a_decoder_is_refused_in_one_line(learned, what):
    model, x, *_ = learned
    with pytest.raises(UserError) as caught:
        ASKED[what](model, x[:20])
    said = str(caught.value)
    assert "\n" not in said and ("decoder" in said or "no such weights" in said)


@pytest.mark.parametrize("compiled", [{"optimizer": "adam"}, {"objective": elbo()}])
def test_an_objective_of_a_distortion_is_refused_in_training_and_evaluation(compiled):
    for run in ("fit", "evaluate"):
        model = bottleneck()
        model.compile(**compiled)
        with pytest.raises(UserError, match="is trained on an Objective of other terms"):
            getattr(model, run)(models.images(8), verbose=0)


def test_what_is_explored_of_it_is_its_codes_and_the_rest_is_said(learned):
    model, x, label, _ = learned
    examples = explore_sections.Examples(x[:60], None, label[:60], 1.0, None)
    found = {s.title: s for s in explore_sections.sections(model, examples, "pca", 0)}
    assert found["Map of the codes"].picture and found["Neighbours among the codes"].picture
    absent = [s for title, s in found.items() if title and "NoDecoder" in s.says]
    assert len(absent) >= 3 and not any(s.picture for s in absent)


def test_the_latent_is_watched_as_any_other(learned):
    model, x, _, _ = learned
    watch = CollapseMonitor(x)
    watch.set_model(model)
    watch.on_train_begin()
    assert watch.look(1)["rate"] > 0.3
