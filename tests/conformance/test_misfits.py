"""Parts that would make one another silently wrong: each pair is refused in a line that names both."""

import pytest

import zoo
from tfvae.checks import UserError

_MLP = {"dataset": "digits", "backbone": "mlp"}
_GUESSED = "told no guessed labels, which condition=guessed_labels does not leave"
_REFINED = "codes that nobody refines, which inference=semi_amortised does not leave"

MISFITS = {
    # a stage, or a critic's turn, has no guesses: it would be told the labels that are kept from the model
    "pretraining": ("m2_vae", {**_MLP, "stages": "+pretrain"}, _GUESSED),
    "auxiliary prior": ("m2_vae", {**_MLP, "stages": "+auxiliary_mixture"}, _GUESSED),
    "moments": ("m2_vae", {**_MLP, "stages": "+moments"}, _GUESSED),
    "ratio critic": ("m2_vae", {**_MLP, "terms": "+density_ratio"}, _GUESSED),
    "prior critic": ("m2_vae", {**_MLP, "terms": "+adversary"}, _GUESSED),
    # the label's KL is a group of the rate, and no part of the code
    "free bits": (
        "m2_vae",
        {**_MLP, "rate_budget": "free_bits"},
        "a rate that is of the code alone",
    ),
    "soft free bits": (
        "m2_vae",
        {**_MLP, "rate_budget": "soft_free_bits"},
        "a rate that is of the code alone",
    ),
    # what lies beside x is the factor that varied
    "labels of factors": (
        "dc_ign",
        {"dataset": "inverted_squares", "terms": "+hsic", "hsic_between": "label"},
        "needs data with labels, which batches=one_factor does not leave",
    ),
    "told factors": (
        "vae",
        {"dataset": "inverted_squares", "batches": "one_factor", "condition": "labels"},
        "condition=labels needs .*, which batches=one_factor does not leave",
    ),
    # a proposal that was accepted has no exact gradient
    "rejected draws": (
        "iwae",
        {**_MLP, "posterior": "vmf_learned"},
        "whose gradient is exact, which posterior=vmf_learned does not leave",
    ),
    # codes that are refined are other ones than the encoder's
    "refined, annealing": ("sa_vae", {"on_collapse": "annealing"}, _REFINED),
    "refined, aggressive": ("sa_vae", {"procedure": "aggressive"}, _REFINED),
    "refined, critic": ("factor_vae", {**_MLP, "inference": "semi_amortised"}, _REFINED),
    "refined, floor": (
        "free_bits_vae",
        {**_MLP, "inference": "semi_amortised"},
        "leaves no rate_budget",
    ),
}


@pytest.mark.parametrize("name", MISFITS)
def test_refused_in_a_line_that_names_both(name):
    model, settings, said = MISFITS[name]
    with pytest.raises(UserError, match=said) as refusal:
        zoo.build(model, **settings)
    assert "\n" not in str(refusal.value)
