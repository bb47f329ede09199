"""Which rows of the longest tables the default tests take; the others are `slow`.

The parts of each row have tests of their own, and the others repeat what one row shows. A test whose
tuple is empty is slow as a whole: another one, named beside it, shows the same by default. Without this
the default tests would grow with every system, and they may take ten minutes on two cores.
"""

KEPT = {
    "tests/conformance/test_keras_contract.py::test_backup_and_restore_brings_everything_back": (
        "switch",
    ),
    "tests/diagnosis/test_diagnose.py::test_squared_errors_are_known_by_what_they_imply": (
        "<lambda>-the sum of the squares .a variance of 1/2",
    ),
    "tests/diagnosis/test_diagnose.py::test_terms_of_somebody_s_code_are_compared_with_the_true_sums": (
        "terms0-None-None",
        "terms2-rate scaled-multiplied by 0.2 = 1 / 5",
    ),
    "tests/diagnosis/test_diagnose.py::test_the_verdict_names_the_planted_fault": (
        "healthy",
        "lag",
        "model collapse",
        "rate divided",
    ),
    "tests/diagnosis/test_linear_gaussian.py::test_linear_vae_reaches_the_closed_form": (
        "9-23.1866",
    ),
    "tests/latents/test_ladder.py::test_two_replicas_end_as_one_device": (),  # procedures' rows
    "tests/latents/test_associative.py::"
    "test_when_the_training_is_done_every_row_is_the_code_of_the_kept_weights": ("train",),
    "tests/networks/test_causality.py::test_colour_generation_equals_the_naive_one": (
        "categorical-gated",
        "mixture-masked",
    ),
    "tests/networks/test_causality.py::test_greedy_generation_equals_the_naive_one": (
        "gated",
        "masked",
    ),
    "tests/networks/test_generation.py::test_the_graph_draws_what_the_eager_loop_draws": (
        "_pixelcnn",
    ),
    "tests/networks/test_text_models.py::test_a_saved_model_says_what_the_model_says": ("lagging",),
    "tests/networks/test_text_models.py::test_a_keras_file_gives_the_same_model": (
        "delta",
        "language-model",
    ),
    "tests/procedures/test_aggressive.py::test_it_ends_as_published_and_never_begins_again": (
        "previous-1-values0",
        "best-2-values2",
    ),
    "tests/procedures/test_two_replicas.py::test_two_replicas_equal_one_device": (
        "divergences",
        "terms",
    ),
    "tests/test_conditional.py::test_keras_files_exports_and_fit_know_the_label": (
        "vector",
        "told prior",
    ),
    "tests/test_conditional.py::test_measures_take_labels": ("vector", "told prior"),
    "tests/test_conditional.py::test_two_replicas_equal_one_device": ("vector",),
    "tests/test_model.py::test_eager_and_compiled_agree": ("plain",),
    "tests/test_model.py::test_keras_file_round_trip_is_exact": ("plain", "exact"),
    "tests/training/test_export.py::test_saved_model_alone_equals_the_model": ("exact",),
    "tests/training/test_resume.py::test_sigkill_and_resume_is_bit_identical": ("two kills",),
    "tests/training/test_replicas.py::test_two_replicas_equal_one_device": ("plain-SGD",),
    "tests/zoo/test_models.py::test_an_epoch_may_end_with_a_batch_of_one": (
        "wae_mmd",
        "beta_tcvae",
    ),
    "tests/zoo/test_models.py::test_every_model_trains_on_text": ("bow_vae", "lm", "vmf_vae"),
    "tests/zoo/test_models.py::test_every_remedy_trains_on_images_too": (
        "acn",
        "factor_vae",
        "hvae",
        "iwae",
        "vae",
        "vq_vae",
        "wae_mmd",
    ),
    "tests/zoo/test_models.py::test_labels_reach_a_model_of_the_zoo": ("vae-given0",),
    "tests/zoo/test_models.py::test_remedies_combine": (
        "bow_vae-{'bound': 'many_samples', 'prior': 'ar1', 'num_samples': 3}",
        "delta_vae-{'beta': 0.5, 'terms': '+bag_of_words', 'rate_budget': None}",
    ),
    # a run that is killed is bit for bit the other in tests/training/test_resume.py
    "tests/zoo/test_text_runs.py::test_a_run_that_is_cut_short_ends_as_one_that_is_not": (),
}
