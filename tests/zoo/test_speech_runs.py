"""Models on speech: codes with a speaker told, other latents, the run directory with its clips."""

import json
import wave

import numpy as np
import pytest

import zoo
from tests.zoo import spoken
from tfvae import training
from tfvae.checks import UserError
from tfvae.likelihoods import mu_law_encode
from zoo import datasets, models
from zoo.command import plan, report, run
from zoo.modalities import speech

SPACE = speech.Space(256)
TINY = {"size": "tiny", "train_steps": 20, "batch_size": 8}
SMALL = {"decoder_filters": 8, "decoder_layers": 3}
# text; real numbers; decoders of images
NOT_OF_SPEECH = {"pooled_vae", "cnn_vae", "bow_vae", "linear_vae", "skip_vae", "lid_vae"}
MORE = {
    "aggressive_vae": {"inner_steps": 2},
    "sa_vae": {"svi_steps": 2},
    "acn": {"memory_size": 16, "transition_units": 8},
}
QUICK = {"vae"}  # and vq_vae, in the run below


def _train(name, **given):
    model = zoo.build(name, "fsdd", SPACE, **TINY, **SMALL, **given)
    x = np.random.default_rng(0).integers(0, 256, (16, 256)).astype("float32")
    main = getattr(model.procedure, "main", model.procedure)
    if hasattr(main, "information"):  # validation data, which a bare build has not
        main.information = lambda model: 1.0
    y = np.arange(16) % 6 if given.get("condition") else None
    beside = y if model.condition is None or y is not None else np.arange(16)
    model.fit(x, beside, batch_size=8, verbose=0, shuffle=False)
    measured = model.evaluate(x, y, verbose=0, return_dict=True)
    assert np.isfinite(list(measured.values())).all()
    return model


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow])
        for name in sorted(set(models.names()) - NOT_OF_SPEECH)
    ],
)
def test_every_model_trains_on_speech(name):
    model = _train(name, **MORE.get(name, {}))
    drawn = np.asarray(model.sample(2, seed=1))
    assert drawn.shape == (2, 256) and np.all(drawn == np.floor(drawn)) and drawn.max() <= 255


def test_codes_and_ar1_have_a_position_for_each_frame():
    for given, shape in (
        ({}, (32,)),
        ({"code": "sequence"}, (4, 32)),
        ({"posterior": "vq", "downsampling": 32}, (8, 32)),
        ({"prior": "ar1"}, (4, 32)),
        ({"encoder": "anti_causal"}, (4, 32)),
    ):
        model = zoo.build("vae", "fsdd", SPACE, **TINY, **SMALL, **given)
        assert model.latent.event_shape == shape


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("vae", {"downsampling": 48}, "downsampling must be a power of 2 from 2 on, got 48"),
        ("vq_vae", {"downsampling": 512}, "'max_samples' must be a multiple of downsampling=512"),
        ("bow_vae", {}, "terms=bag_of_words needs data of words, and speech has none"),
        ("pooled_vae", {}, "'pooled_vae' stands on encoder=max, which speech does not"),
        ("vae", {"backbone": "lstm"}, "unknown backbone of speech 'lstm'; known: wavenet"),
    ],
    ids=str,
)
def test_what_does_not_fit_speech_is_refused_by_name(name, given, says):
    with pytest.raises(UserError, match=says):
        zoo.build(name, "fsdd", SPACE, **TINY, **given)


def test_the_dataset_names_its_kind():
    assert datasets.modality("fsdd") == "speech" and "fsdd" in datasets.names()
    resolved = plan.resolve("vq_vae", dataset="fsdd")
    assert resolved.backbone == "wavenet" and resolved.point["data"].max_samples == 4096


def test_a_run_leaves_clips_of_its_test_recordings_and_of_every_voice(tmp_path, monkeypatch):
    """Codes in 4 steps of 8 recordings, their prior in 60, in which it beats the uniform one.

    What is exported, other tests look at.
    """
    probed = []
    monkeypatch.setattr(training.export, "export_saved_model", lambda *_: None)
    monkeypatch.setattr(
        report.metrics, "linear_probe_accuracy", lambda *known: probed.extend(known) or 0.5
    )
    spoken.zipped(tmp_path / "data")
    sets = ["condition=labels", "num_codes=8", "max_samples=640", "auxiliary_steps=60"]
    sets += ["auxiliary_layers=1", "auxiliary_filters=8", "decoder_filters=4", "decoder_layers=2"]
    resolved = plan.resolve(
        "vq_vae",
        sets,
        dataset="fsdd",
        data_dir=str(tmp_path / "data"),
        workdir=str(tmp_path / "run"),
        train_steps=4,
        eval_every=4,
        checkpoint_every=4,
        batch_size=8,
        nll_examples=8,
    )
    written = run.run(resolved)
    assert written["bits_per_dim"] == pytest.approx(written["nll"] / 640 / np.log(2))
    assert written["auxiliary_rate"] < written["rate"] == pytest.approx(10 * np.log(8), rel=1e-4)
    data = speech.fsdd.load("fsdd", str(tmp_path / "data"), 640)
    assert written["linear_probe_accuracy"] == 0.5
    codes, digits, test_codes, test_digits = probed
    np.testing.assert_array_equal(digits, data.train.label)
    np.testing.assert_array_equal(test_digits, data.test.label)
    run_directory = tmp_path / "run"
    clips = sorted(path.name for path in (run_directory / "audio").glob("*.wav"))
    assert len(clips) == 6 * 3 + 3 * 7 + 6 * 2
    (test,) = [name for name in clips if name.startswith("reconstructions_0_test")]
    with wave.open(str(run_directory / "audio" / test)) as stream:
        amplitude = np.frombuffer(stream.readframes(640), "<i2") / 32767
    assert (data.test.x == mu_law_encode(np.clip(amplitude, -1, 1))).all(1).sum() == 1
    page = (run_directory / "report.html").read_text()
    assert page.count("<audio") == len(clips)
    assert "The same codes, another voice" in page and "30 test recordings" in page
    figures = {path.stem for path in (run_directory / "figures").glob("*.png")}
    assert {"curves", "spectrograms", "voices"} <= figures
    config = json.loads((run_directory / "config.json").read_text())
    assert list(config["source"]) == ["recordings.zip"]
    model = zoo.load(str(run_directory))
    assert model.sample(2, seed=0, label=5).shape == (2, 640)
    # the probe looks for the digit in codes that were made for the speaker
    for split, seen in ((data.train, codes), (data.test, test_codes)):
        own = model.encode(split.x.astype("float32"), split.told)
        np.testing.assert_allclose(seen, np.reshape(own, [len(seen), -1]), atol=1e-5)
