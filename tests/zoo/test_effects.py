"""The effect, on the embedded digits: the plain VAE collapses, the delta-VAE does not and pays little."""

import pytest

from zoo import plan, run


@pytest.mark.slow
def test_delta_vae_keeps_its_latent_where_the_plain_vae_collapses(tmp_path):
    """400 steps each, about a minute; the margins are several times what seeds were seen to move."""
    reports = {}
    for model in ("vae", "delta_vae"):
        resolved = plan.resolve(
            model,
            backbone="gated_pixelcnn",
            train_steps=400,
            nll_samples=20,
            nll_examples=100,
            workdir=str(tmp_path / model),
        )
        reports[model] = run.run(resolved)
    plain, delta = reports["vae"], reports["delta_vae"]
    assert plain["verdict"] == "collapse"
    assert plain["rate"] < 0.2 and plain["mutual_information"] < 0.3
    assert delta["verdict"] == "healthy"
    assert delta["rate"] >= delta["committed_rate"] == pytest.approx(2.0)
    assert delta["mutual_information"] > plain["mutual_information"] + 1.0
    assert delta["auxiliary_rate"] < delta["rate"]
    price = plain["elbo"] - delta["auxiliary_elbo"]
    assert price < delta["committed_rate"]
