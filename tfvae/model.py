"""The noun: a variational auto-encoder as a plain Keras model. It knows probability and no training.

    log p(x) >= ELBO(x) = E_q(z|x)[log p(x|z)] - KL(q(z|x) || p(z)) = -(distortion + rate)    nats

Legend: B batch, G latent groups, S importance samples; x is [B, H, W, C] for images, [B, T] for text
and waveforms.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from tfvae import inputs, own_parts
from tfvae.checks import UserError, count, one_of
from tfvae.distributions import importance_weighted_log_prob
from tfvae.draw import Draw, Pass
from tfvae.fitting import Fitted
from tfvae.inputs import first
from tfvae.latents import Inferred, Latent
from tfvae.networks import joined
from tfvae.randomness import fold, seed_of

__all__ = ["LABEL_DRAWS", "TOLD", "VAE"]

LABEL_DRAWS = 12
"""Of z, over which the probabilities of a label are averaged; that many in Alemi et al. 2017."""

TOLD = ("encoder", "decoder", "prior")
"""Who may be told what is known besides x."""

_NOISE = 0x0D12  # the decoder's noise, apart from that of z
_ENCODER = 0xE2C  # and the encoder's


@keras.saving.register_keras_serializable(package="tfvae")
class VAE(Fitted):
    """q(z|x) = latent(encoder(x)),  p(z) = latent.prior,  p(x|z) = likelihood(decoder(z, x_<i)).

    Kingma and Welling 2014. What is not the model (objective, procedure, optimizers, critics)
    arrives by `compile`, and is in checkpoints but in no `.keras` file and no export.

    Args:
        encoder: a Keras network, x -> features; one with `takes_pass = True` is called with
            `pass_` too (`tfvae.draw.Pass`: its own seed, the step), and with `None` for it where only
            shapes are asked. One whose noise is paid for also has `with_costs(x, pass_)`, as
            `tfvae.networks.NoisyEncoder` does.
        latent: a `tfvae.latents.Latent`, features -> posterior, draw, rate.
        decoder: a network, (z, x) -> parameters of the likelihood; it has `generate`. An ordinary Keras
            network z -> parameters [B, ..., P] becomes a `tfvae.networks.FactorisedDecoder`.
        likelihood: a `tfvae.likelihoods.Likelihood`; it owns the units of the data.
        condition: what is known besides x, a network of labels such as
            `tfvae.networks.LabelCondition`; its vector stands behind the features and behind z, and
            a prior that asks is given it. Every method then needs `label` [B] (`sample` a number, or
            one for each), and `fit` and `evaluate` batches (x, label). With an
            `tfvae.networks.ExampleIndex` only `fit` does: its batches are (x, row of each example).
        classifier: what a code says of the label of its x, `tfvae.networks.Classifier` (or a Keras network
            z -> logits [B, K] that has `num_labels`); `None` without one. Its term is
            `tfvae.objectives.LabelLikelihood`.
        told: which parts the condition is told to, of `TOLD`: its vector behind the features, behind z,
            and what the prior is given.

    Raises:
        UserError: a part of another kind; `told` that names nobody, or a model that tells nothing.

    Its methods by use; `help(VAE.elbo)` is short, `help(VAE)` goes on with all that Keras' `Model` has:

        training    compile, fit, evaluate
        codes       encode, decode, reconstruct, posterior, features
        labels      predict_labels, label_probabilities
        draws       sample, sample_codes, draw, prior, conditional
        measures    elbo, log_prob, log_prior, log_weights, importance    (nats for each example, [B])
        parts       encoder, latent, decoder, likelihood, with_prior, has_latent
        files       save, export
    """

    # Set by the package's root: only training touches the disk.
    exporter: ClassVar[Callable[[VAE, str], None]]

    def __init__(
        self,
        encoder,
        latent: Latent,
        decoder,
        likelihood,
        condition=None,
        told=TOLD,
        classifier=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.encoder = encoder
        self.latent = latent
        own_parts.check_kinds(
            encoder=encoder, latent=latent, decoder=decoder, likelihood=likelihood
        )
        self.told = _told(told, condition)
        self.condition = condition
        self.decoder = own_parts.decoder_of(decoder, self._z_shape(), likelihood)
        self.likelihood = likelihood
        self.classifier = own_parts.classifier_of(classifier)

    # ---------------------------------------------------------------- tensors

    @property
    def data_shape(self) -> tuple[int | None, ...]:
        """The shape of one x: (H, W, C) of an image, (None,) of a sequence of any length."""
        return tuple(self.decoder.data_shape)

    def build(self, input_shape=None):
        """Builds every part on data of the decoder's shape."""
        if input_shape is not None and not self._fits(input_shape[1:]):
            raise UserError(
                f"this model takes x of shape {self.data_shape}, got {tuple(input_shape[1:])}"
            )
        shape = (None, *self.data_shape)
        if self.condition is not None and not self.condition.built:
            self.condition.build((None,))
        own_parts.built("encoder", self.encoder, "the decoder's x is", shape)
        if not self.latent.built:
            features = own_parts.features_of(self.encoder, shape, self.likelihood.dtype.name)
            self.latent.build(_wider(features, self.told_size("encoder")))
        own_parts.built("decoder", self.decoder, "the latent gives", self._z_shape(), shape)
        if self.classifier is not None:
            own_parts.built(
                "classifier",
                self.classifier,
                "it is given",
                self._classified_shape(self.classifier),
            )
        own_parts.check_training("encoder", self.encoder)
        own_parts.check_training("decoder", self.decoder)
        self.built = True

    def __call__(self, x, *args, **kwargs):
        """`call`, on data that were looked at."""
        return super().__call__(inputs.tensor(self, x), *args, **kwargs)

    def call(self, x, training=False, label=None):
        """Parameters of p(x | z) at the deterministic code of x, [B, ..., P]."""
        del training
        return self.parameters(self.encode(x, label), x, label)

    def features(self, x, label=None, pass_: Pass | None = None) -> tf.Tensor:
        """What the encoder makes of x, with the condition behind it where the encoder is told."""
        return self.encoded(x, label, pass_)[0]

    def encoded(self, x, label=None, pass_: Pass | None = None) -> tuple[Any, dict[str, tf.Tensor]]:
        """`features`, and what the noise of the encoder's layers costs, {name: [B] nats}, for `Draw.aux`."""
        features, costs = self._untold(self._inputs(x), pass_)
        return self._beside("encoder", features, label), costs

    def infer(self, x, pass_: Pass, label=None) -> tuple[Any, Inferred]:
        """(features, what the latent infers of them, with what the encoder's noise costs in its `aux`)."""
        features, costs = self.encoded(x, label, pass_)
        return features, self.latent.infer(features, pass_).beside(costs)

    def passed(self, seed, step=None, training: bool = False, label=None, rows=None) -> Pass:
        """What a pass over examples with these labels gives to every part.

        Args:
            seed: an integer or a [2] int32 tensor.
            step: of the training; `None` to measure.
            training: whether the noise of training is on.
            label: [B] of a conditional model.
            rows: B, where it is known.

        Raises:
            UserError: labels that are missing, or that nobody asked for.
        """
        told = self.known(label, rows) if "prior" in self.told else None
        return self._pass(seed, step, training, told)

    def parameters(self, z, x, label=None, noise=None) -> tf.Tensor:
        """What the decoder makes of z (and of the x before each pixel or token), [B, ..., P]."""
        x = None if x is None else self._inputs(x)
        found = self.decoder(self.decoder_input(z, label), x, noise)
        own_parts.check_parameters(self.decoder, self.likelihood, found.shape)
        return found

    def known(self, label, rows: int | None = None) -> tf.Tensor | None:
        """What the condition makes of the label, [B, C]; `None` where nothing is known or asked.

        Args:
            label: [B], or `None`.
            rows: B, where it is known.

        Raises:
            UserError: there is a condition and no label, or the other way round; or what is no label.
        """
        if self.condition is None:
            if label is not None:
                raise UserError("this model takes no label: it was made without a condition")
            return None
        if label is None:
            if self.condition.optional:
                return None
            raise UserError(
                "this model is conditional: give it label=... (fit and evaluate: batches (x, label))"
            )
        return self.condition(self.condition.check(label, rows, self.latent.num_remembered))

    def encode(self, x, label=None) -> tf.Tensor:
        """The deterministic code (the posterior mean), [B, *latent.event_shape]."""
        pass_ = Pass.measuring()
        return self.latent.code(self.features(x, label, pass_), pass_)

    def decode(self, z, progress=None, label=None) -> tf.Tensor:
        """The x that z means, [B, ...] raw units, deterministic.

        A factorised decoder gives the mean of p(x|z); an autoregressive one the image or sentence
        whose every pixel or token is the likeliest given those before it.
        """
        z = self.decoder_input(inputs.code(self, z), label)
        return self.decoder.generate(z, self.likelihood, seed_of(0), greedy=True, progress=progress)

    def reconstruct(self, x, label=None) -> tf.Tensor:
        """decode(encode(x)), [B, ...] raw units."""
        return self.decode(self.encode(x, label), label=label)

    def sample(self, num: int = 1, seed=0, z=None, progress=None, label=None) -> tf.Tensor:
        """Draws x ~ p(x|z) with z ~ p(z), [num, ...] raw units.

        Args:
            num: how many.
            seed: an integer or a [2] int32 tensor; equal seeds give equal draws.
            z: use these latents instead of draws from the prior.
            progress: called with (rows done, rows) while an autoregressive decoder works.
            label: of a conditional model: one for all, or [num].
        """
        seed = _seed(seed)
        num = _count("num", num)
        z = None if z is None else inputs.code(self, z)
        if label is not None:
            label = label if tf.is_tensor(label) else np.asarray(label)
            if len(label.shape) == 0:
                label = tf.repeat(label, num if z is None else tf.shape(z)[0])
        if z is None:
            rows = None if tf.is_tensor(num) else num
            z = self.latent.sample(num, self.passed(fold(seed, 0), label=label, rows=rows))
        z = self.decoder_input(z, label)
        return self.decoder.generate(z, self.likelihood, fold(seed, 1), progress=progress)

    def sample_codes(self, num: int, seed, label=None) -> tf.Tensor:
        """Draws z ~ p(z), [num, *latent.event_shape], for terms and figures of the codes alone.

        Args:
            num: how many.
            seed: [2] int32.
            label: [num], where the prior is told one.
        """
        return self.latent.sample(num, self._lenient(seed, label))

    def log_prior(self, z, label=None) -> tf.Tensor:
        """log p(z), [..., *latent.event_shape] -> [...] nats.

        Args:
            z: codes.
            label: [B], where the prior is told one.
        """
        return self.latent.log_prior(z, self._lenient(seed_of(0), label))

    # ---------------------------------------------------------------- distributions

    def posterior(self, x, label=None):
        """q(z|x), a `tfd.Distribution` with batch shape [B]; `None` without one (no latent, codes)."""
        pass_ = self.passed(0, label=label)
        return self.latent.distribution(self.features(x, label, pass_), pass_)

    def prior(self, label=None):
        """p(z), a `tfd.Distribution` with batch shape [] ([B] of a prior that is told the label)."""
        if not hasattr(self.latent, "given"):
            raise UserError(
                f"a {type(self.latent).__name__} has no prior that is one distribution of z"
            )
        return self.latent.given(self.passed(0, label=label)).distribution()

    def conditional(self, z, x=None, label=None):
        """p(x|z); for an autoregressive decoder each pixel or token given those of x before it.

        Of a sentence it is over all T positions, padding among them: log p(x|z) of the words alone is
        `likelihood.log_prob(parameters(z, x), x)`.
        """
        return self.likelihood.distribution(self.parameters(inputs.code(self, z), x, label))

    # ---------------------------------------------------------------- scores

    def draw(self, x, seed, training: bool = False, label=None, step=None) -> Draw:
        """One amortised pass: x -> features -> q(z|x) -> z -> rate and log p(x|z).

        Args:
            x: [B, ...] raw units.
            seed: an integer or a [2] int32 tensor.
            training: with the noise of training (of the decoder: dropout, word dropout).
            label: [B] of a conditional model.
            step: of the training, for what is annealed; `None` to measure.
        """
        x = inputs.tensor(self, x)
        pass_ = self.passed(seed, step, training, label)
        features, inferred = self.infer(x, pass_, label)
        return self.score(x, features, inferred, pass_.seed if training else None, label)

    def score(self, x, features, inferred, seed=None, label=None) -> Draw:
        """The `Draw` of a z that was inferred somewhere else.

        Args:
            x: [B, ...] raw units.
            features: the encoder's, or `None`.
            inferred: `tfvae.latents.Inferred`.
            seed: [2] int32, of the pass, for the noise of training; `None` for none.
            label: [B] of a conditional model.
        """
        log_likelihood = None
        if self.decodes:
            noise = None if seed is None else fold(seed, _NOISE)
            parameters = self.parameters(inferred.z, x, label, noise)
            log_likelihood = self.likelihood.log_prob(parameters, x)
        return Draw.of(x, features, inferred, log_likelihood, self.as_label(label))

    def draw_by(self, inference: Callable, x, seed, step=None, label=None) -> Draw:
        """The draw of `inference`, with what came beside x for the terms that read labels.

        Args:
            inference: `(model, x, seed, step, label) -> Draw`.
            x: [B, ...] raw units.
            seed: [2] int32.
            step: of the training; `None` to measure.
            label: what `label_of` found in the batch.
        """
        asked = self.condition is not None or getattr(inference, "reads_beside", False)
        known = label if asked else None
        draw = inference(self, x, seed, step, label=known)
        return draw._replace(label=self.as_label(label))

    def elbo(self, x, seed=0, label=None) -> tf.Tensor:
        """log p(x|z) - rate at one draw of z, [B] nats: an unbiased estimate of the bound."""
        return self.draw(x, seed, label=label).elbo

    def log_weights(self, x, num: int, seed=0, posterior=None, label=None) -> tf.Tensor:
        """log p(x|z_s) + log p(z_s) - log q(z_s|x) for `num` draws each, [num, B] nats.

        Without a latent every weight is the exact log p(x); of a discrete code there is nothing to
        draw, and every weight is the bound.
        """
        num, x = _count("num", num), inputs.tensor(self, x)
        if not self.latent.stochastic:
            return tf.tile(self.elbo(x, label=label)[None], [num, 1])
        return self._log_weights(x, self._proposal(x, posterior, label), num, _seed(seed), label)

    def _proposal(self, x, posterior, label) -> Callable:
        """(num, seed) -> z, log p(z) - log q(z|x); x, and what the prior asks, are encoded once."""
        pass_ = self.passed(0, label=label)
        if posterior is not None:
            return self.latent.proposal_from(posterior, pass_)
        return self.latent.proposal(self.features(x, label), pass_)

    def _log_weights(self, x, proposal: Callable, num, seed, label) -> tf.Tensor:
        z, log_ratio = proposal(num, seed)
        tiled = tf.tile(x, [num] + [1] * len(self.data_shape))
        labels = None if label is None else tf.tile(label, [num])
        many = tf.reshape(z, [-1, *self.latent.event_shape])
        log_likelihood = self.likelihood.log_prob(self.parameters(many, tiled, labels), tiled)
        return tf.reshape(log_likelihood, tf.shape(log_ratio)) + log_ratio

    def log_prob(
        self, x, num_samples: int = 100, seed=0, chunk: int = 10, posterior=None, label=None
    ) -> tf.Tensor:
        """Importance-weighted log p(x), [B] nats; exact without a latent, the ELBO of discrete codes.

            L_S = log 1/S sum_s p(x|z_s) p(z_s) / q(z_s|x) <= log p(x) in expectation

        Burda, Grosse and Salakhutdinov 2016, eq. 8. Memory grows with `chunk` and not with S.

        Args:
            x: [B, ...] raw units.
            num_samples: S, an integer or a scalar tensor.
            seed: an integer or a [2] int32 tensor.
            chunk: samples decoded at a time.
            posterior: draw z from this one instead of the encoder's, batch shape [B].
            label: [B] of a conditional model.
        """
        return self.importance(x, num_samples, seed, chunk, posterior, label)[0]

    def importance(
        self, x, num_samples: int = 100, seed=0, chunk: int = 10, posterior=None, label=None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """`log_prob`, and the effective sample size (sum w)^2 / sum w^2 of its weights, each [B].

        An effective size of a few says that log p(x) is under-estimated: few draws of q count.
        """
        seed, x = _seed(seed), inputs.tensor(self, x)
        num_samples, chunk = _count("num_samples", num_samples), count("chunk", chunk)
        if not self.latent.stochastic:
            exact = self.log_weights(x, 1, seed, label=label)[0]
            return exact, tf.ones_like(exact) * tf.cast(num_samples, exact.dtype)

        proposal = self._proposal(x, posterior, label)

        def weights(num, block):
            return self._log_weights(x, proposal, num, block, label)

        return importance_weighted_log_prob(weights, num_samples, chunk, seed)

    # ---------------------------------------------------------------- labels

    def label_logits(self, draw: Draw) -> tf.Tensor:
        """log q(y|z) up to a constant at a draw, [B, K]; see `tfvae.networks.Classifier`.

        Raises:
            UserError: there is no classifier.
        """
        classifier = self._own_classifier()
        if classifier.reads == "z":
            return classifier(draw.z)
        told = self.told_size("encoder")
        return classifier(draw.features[..., :-told] if told else draw.features)

    def label_scores(self, x, pass_: Pass | None = None) -> tf.Tensor:
        """log q(y|x) up to a constant, of a classifier of features, [B, K] float32.

        Args:
            x: [B, ...] raw units.
            pass_: of training, whose noise the encoder then has; `None` to measure.

        Raises:
            UserError: there is none.
        """
        if self.classifier is None or self.classifier.reads != "features":
            raise UserError(
                "this model has no classifier of features: classifier=Classifier(K, reads='features')"
            )
        features, _ = self._untold(self._inputs(x), pass_)
        return tf.cast(self.classifier(features), tf.float32)

    def label_probabilities(self, x, num_draws: int = LABEL_DRAWS, seed=0, label=None):
        """E_q(z|x)[q(y|z)] by draws of z, or q(y|code of x) without noise, a tensor [B, K].

        Args:
            x: [B, ...] raw units.
            num_draws: of z; 0: the code itself. A classifier of features needs none.
            seed: an integer or a [2] int32 tensor.
            label: [B], what the model is told, where it is told something.
        """
        classifier, seed, total = self._own_classifier(), _seed(seed), 0.0
        if classifier.reads == "features":
            return tf.nn.softmax(self.label_scores(x))
        if count("num_draws", num_draws, 0) == 0:
            return tf.nn.softmax(tf.cast(classifier(self.encode(x, label)), tf.float32))
        if label is None and self.asks_label and not self.classifier_asks_label:
            label = tf.zeros([tf.shape(x)[0]], tf.int32)  # the prior's alone: z is the same for any
        for number in range(num_draws):
            pass_ = self.passed(fold(seed, number), label=label)
            features = self.features(x, label, pass_)
            drawn = Draw.of(x, features, self.latent.infer(features, pass_), None, None)
            total += tf.nn.softmax(tf.cast(self.label_logits(drawn), tf.float32))
        return total / num_draws

    def predict_labels(self, x, num_draws: int = LABEL_DRAWS, seed=0, label=None, batch_size=500):
        """The likeliest label of each x, NumPy [N] int32; see `label_probabilities`.

        Args:
            x: [N, ...] raw units.
            num_draws: of z; 0: none, of the code itself.
            seed: an integer or a [2] int32 tensor.
            label: [N], what the model is told, where it is told something.
            batch_size: examples at a time.
        """
        x, size = inputs.array(self, x), count("batch_size", batch_size)
        told = inputs.labels(self, label, len(x)) if self.classifier_asks_label else None
        found = [np.zeros([0], np.int32)]
        for start in range(0, len(x), size):
            rows = slice(start, start + size)
            given = None if told is None else told[rows]
            probable = self.label_probabilities(x[rows], num_draws, fold(_seed(seed), start), given)
            found.append(tf.argmax(probable, -1, tf.int32).numpy())
        return np.concatenate(found)

    def _own_classifier(self) -> Any:
        if self.classifier is None:
            raise UserError("this model has no classifier: it was made without classifier=...")
        return self.classifier

    @property
    def classifier_asks_label(self) -> bool:
        """Whether the classifier reads what depends on what the model is told."""
        reads = getattr(self.classifier, "reads", "z")
        return self.asks_label and reads == "z" and "encoder" in self.told

    @property
    def asks_label(self) -> bool:
        """Whether each x must come with its label, in measures and samples too."""
        return self.condition is not None and not self.condition.optional

    @property
    def decodes(self) -> bool:
        """Whether there is a p(x|z): not with a `tfvae.networks.NoDecoder`."""
        return getattr(self.decoder, "decodes", True)

    @property
    def bound(self) -> bool:
        """Whether distortion + rate is at least -log p(x) in expectation."""
        return self.decodes and self.latent.bound

    @property
    def has_latent(self) -> bool:
        """Whether there is a code at all; without one every likelihood is exact."""
        return self.latent.event_shape != (0,)

    # ---------------------------------------------------------------- Keras

    def with_prior(self, prior) -> VAE:
        """The same encoder, posterior, decoder and weights under another prior."""
        latent = self.latent.with_prior(prior)
        # only a memory asks for rows, and the new prior has none
        condition = self.condition if self.asks_label else None
        told = TOLD if condition is None else self.told
        parts = (self.encoder, latent, self.decoder, self.likelihood, condition, told)
        model = VAE(*parts, classifier=self.classifier, name=self.name)
        model.build()
        return model

    def fit(self, x=None, y=None, *args, **kwargs):
        """As `keras.Model.fit`; the data are looked at first, those of a pipeline as they pass."""
        with inputs.Gate(self) as gate:
            x, y = gate(x, y, training=True)
            if kwargs.get("validation_data") is not None:
                kwargs["validation_data"] = gate.validation(kwargs["validation_data"])
            history = super().fit(x, y, *args, **kwargs)
            if history.epoch:
                gate.refuse_empty()
            return history

    def evaluate(self, x=None, y=None, *args, **kwargs):
        """As `keras.Model.evaluate`; see `tfvae.fitting.Fitted.evaluate`."""
        if not self.compiled:
            self.compile()  # measures do not depend on how the model is trained
        if kwargs.get("_use_cached_eval_dataset"):  # within `fit`, which has looked at them
            return super().evaluate(x, y, *args, **kwargs)
        with inputs.Gate(self) as gate:
            found = super().evaluate(*gate(x, y), *args, **kwargs)
            gate.refuse_empty()
            return found

    def predict(self, x, *args, **kwargs):
        """As `keras.Model.predict`: the deterministic codes."""
        with inputs.Gate(self) as gate:
            try:
                return super().predict(gate(x)[0], *args, **kwargs)
            except UnboundLocalError:  # what Keras makes of an empty stream
                gate.refuse_empty()
                raise

    def train_on_batch(self, x, y=None, *args, **kwargs):
        """As `keras.Model.train_on_batch`."""
        return super().train_on_batch(*inputs.Gate(self)(x, y, training=True), *args, **kwargs)

    def test_on_batch(self, x, y=None, *args, **kwargs):
        """As `keras.Model.test_on_batch`."""
        return super().test_on_batch(*inputs.Gate(self)(x, y), *args, **kwargs)

    def predict_on_batch(self, x):
        """As `keras.Model.predict_on_batch`."""
        return super().predict_on_batch(inputs.Gate(self)(x)[0])

    def predict_step(self, data):
        """The deterministic codes."""
        return self.encode(first(data), None if self.condition is None else self.label_of(data))

    def label_of(self, batch, training: bool = False):
        """The labels (or rows) of a batch (x, label); `None` where nobody reads them.

        Raises:
            UserError: a conditional model (or, in training, any with a condition, or with a term that
                reads labels), and batches without.
        """
        if self.beside is None:
            return None
        if not isinstance(batch, (tuple, list)) or len(batch) < 2 or batch[1] is None:
            if not training and not self.asks_label:
                return None
            raise UserError(f"this model needs batches (x, {self.beside})")
        return batch[1]

    def as_label(self, label) -> tf.Tensor | None:
        """What came beside x, for a `Draw`: [B] int32; `None` for rows of the training set."""
        if label is None or self.condition is None:
            return None if label is None else self.check_beside(label)
        return tf.cast(label, tf.int32) if self.condition.beside == "label" else None

    def check_beside(self, values, rows: int | None = None) -> tf.Tensor:
        """What came beside x, as int32 [B]: as the condition has it, or labels from -1 (unknown) up to the
        last one that the classifier and every term know.

        Raises:
            UserError: it is none of that.
        """
        if self.condition is None:
            who = (self.classifier, getattr(self, "procedure", None))
            tops = [each.num_labels - 1 for each in who if each is not None and each.num_labels]
            return inputs.whole("label", values, rows, -1, *sorted(tops)[:1])
        return self.condition.check_beside(values, rows, self.latent.num_remembered)

    def save(self, filepath, overwrite=True, zipped=None, **kwargs):
        """As `keras.Model.save`, to a `.keras` file."""
        if zipped is not False and not str(filepath).endswith(".keras"):
            raise UserError(
                f"a model is saved as .keras, got {str(filepath)!r}; weights alone are by "
                "save_weights('NAME.weights.h5'), a SavedModel by export(DIRECTORY)"
            )
        super().save(filepath, overwrite, zipped, **kwargs)

    def export(self, filepath, format="tf_saved_model", verbose=None, **kwargs):
        """Writes a SavedModel with the signatures that `tfvae.training.export` lists.

        Args:
            filepath: a directory.
            format: `tf_saved_model`.
            verbose: says where it is.
            **kwargs: none; the signatures are the model's own.
        """
        one_of("export format", format, ["tf_saved_model"])
        if kwargs:
            raise UserError(f"export has signatures of its own, and no argument {min(kwargs)!r}")
        if not self.built:
            self.build()
        type(self).exporter(self, os.path.normpath(filepath))
        if verbose:
            print(f"SavedModel at {filepath}")

    def get_config(self):
        return {
            **super().get_config(),
            **{k: keras.saving.serialize_keras_object(getattr(self, k)) for k in _PARTS},
            "told": self.told,
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        for name in set(_PARTS) & set(config):  # files from before there were conditions have none
            config[name] = keras.saving.deserialize_keras_object(config[name])
        return cls(**config)

    def decoder_input(self, z, label=None) -> tf.Tensor:
        """What the decoder takes: z, with the condition behind it where the decoder is told."""
        return self._beside("decoder", z, label)

    def _pass(self, seed, step, training, told) -> Pass:
        def features_of(u, label=None):
            if label is None and self.asks_label and "encoder" in self.told:
                raise UserError(
                    "a prior that encodes inputs of its own has no labels for them, and this encoder is told "
                    "labels: tell them to the decoder alone (told='decoder')"
                )
            # u is no batch of examples, whose rows the noise of training would be drawn for
            return self._encoded(u, label, Pass.measuring().but(step=step))

        return Pass(_seed(seed), step, training, told, features_of)

    def _lenient(self, seed, label) -> Pass:
        """Without labels, where a prior may do without them though decoder or encoder may not."""
        if label is None:
            return self._pass(seed, None, False, None)
        return self.passed(seed, label=label)

    def _encoded(self, preprocessed, label, pass_: Pass | None) -> tf.Tensor:
        return self._beside("encoder", self._untold(preprocessed, pass_)[0], label)

    def _untold(self, preprocessed, pass_: Pass | None) -> tuple[Any, dict[str, tf.Tensor]]:
        """What the encoder makes of x alone, and what its noise costs."""
        if not getattr(self.encoder, "takes_pass", False):
            return self.encoder(preprocessed), {}
        pass_ = Pass.measuring() if pass_ is None else pass_
        own = pass_.but(seed=pass_.noise(_ENCODER))
        if hasattr(self.encoder, "with_costs"):
            return self.encoder.with_costs(preprocessed, own)
        return self.encoder(preprocessed, pass_=own), {}

    def _beside(self, part: str, values, label) -> tf.Tensor:
        if self.condition is not None and part not in self.told and label is None:
            return values
        condition = self.known(label, tf.nest.flatten(values)[0].shape[0])
        if condition is None or not self.told_size(part):
            return values
        return tf.nest.map_structure(lambda v: joined(tf.convert_to_tensor(v), condition), values)

    def told_size(self, part: str) -> int:
        """How many numbers of the condition a part of `TOLD` is told, C or 0."""
        if self.condition is None or part not in self.told:
            return 0
        return self.condition.size

    def _z_shape(self) -> tuple[int | None, ...]:
        """Of what the decoder takes."""
        return _wider((None, *self.latent.event_shape), self.told_size("decoder"))

    def _classified_shape(self, classifier) -> Any:
        """Of what the classifier reads."""
        if classifier.reads == "z":
            return (None, *self.latent.event_shape)
        shape = (None, *self.data_shape)
        return own_parts.features_of(self.encoder, shape, self.likelihood.dtype.name)

    def _inputs(self, x) -> tf.Tensor:
        return self.likelihood.preprocess(inputs.tensor(self, x))

    def _fits(self, shape) -> bool:
        return len(shape) == len(self.data_shape) and all(
            want is None or got is None or got == want for got, want in zip(shape, self.data_shape)
        )


_PARTS = ("encoder", "latent", "decoder", "likelihood", "condition", "classifier")


def _told(told, condition) -> tuple[str, ...]:
    told = (told,) if isinstance(told, str) else tuple(told)
    for part in told:
        one_of("part in told", part, TOLD)
    if condition is None and told != TOLD:
        raise UserError("told says who hears the condition, and this model was made without one")
    if not told:
        raise UserError(f"told must name at least one of {', '.join(TOLD)}, got none")
    return told


def _wider(shape, more: int) -> Any:
    if isinstance(shape, dict):
        return {name: _wider(one, more) for name, one in shape.items()}
    return (*shape[:-1], shape[-1] + more) if more else tuple(shape)


def _seed(seed) -> tf.Tensor:
    """[2] int32 of an integer, or as it is."""
    if tf.is_tensor(seed) and seed.dtype == tf.int32 and seed.shape.is_compatible_with((2,)):
        return seed
    if isinstance(seed, (int, np.integer)) and not isinstance(seed, bool):
        return seed_of(int(seed))
    raise UserError(f"seed must be an integer or a [2] int32 tensor, got {type(seed).__name__}")


def _count(what: str, number) -> int | tf.Tensor:
    """Checked, but inside of a graph."""
    if tf.is_symbolic_tensor(number):
        return number
    return count(what, number.numpy() if tf.is_tensor(number) else number)
