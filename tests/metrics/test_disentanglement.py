"""Disentanglement: published golden values, codes that are the factors, and codes that are noise."""

import itertools

import numpy as np
import pytest

from tfvae.checks import UserError
from tfvae.metrics import (
    dci,
    dci_of_importances,
    disentanglement,
    factor_vae_score,
    mutual_information_gap,
    mutual_information_matrix,
    separated_attribute_predictability,
)

GRID = np.array(list(itertools.product(range(6), range(4), range(3)))).repeat(8, 0)
RNG = np.random.default_rng(0)
ALIGNED = GRID + RNG.uniform(-0.05, 0.05, GRID.shape)
TURNED = ALIGNED @ np.linalg.qr(RNG.normal(size=(3, 3)))[0]
NOISE = RNG.normal(size=GRID.shape)


def test_mutual_information_gap_golden():
    matrix = [[1, 0.05, 0.02], [0.3, 1.2, 0.01], [0.02, 0.4, 0.6], [0.01, 0.02, 0.5]]
    assert mutual_information_gap(matrix, np.log([3, 6, 10])) == pytest.approx(0.375695, abs=1e-6)


def test_separated_attribute_predictability_golden():
    matrix = [[0.9, 0.2, 0.1], [0.5, 0.85, 0.3], [0.1, 0.6, 0.4], [0.1, 0.1, 0.35]]
    assert separated_attribute_predictability(matrix) == pytest.approx(0.233333, abs=1e-6)


def test_dci_golden():
    found = dci_of_importances([[0.8, 0.1, 0], [0.1, 0.7, 0.2], [0.1, 0.2, 0.8], [0, 0, 0]])
    assert found.disentanglement == pytest.approx(0.407959, abs=1e-6)
    assert found.completeness == pytest.approx(0.533227, abs=1e-6)
    assert dci_of_importances(np.eye(4))[:2] == pytest.approx((1, 1))
    shared = np.zeros((9, 10))  # nine numbers for ten factors: the first stands for two
    shared[np.r_[0, np.arange(9)], np.arange(10)] = 1
    one = dci_of_importances(shared[:1, :])
    assert one.disentanglement == pytest.approx(1 - np.log(2) / np.log(10), abs=1e-6)


def test_information_of_a_code_that_is_the_factor_is_its_entropy():
    matrix = mutual_information_matrix(ALIGNED, GRID)
    np.testing.assert_allclose(np.diag(matrix), np.log([6, 4, 3]), atol=1e-9)
    off = matrix - np.diag(np.diag(matrix))
    assert off.max() < 0.05  # 576 examples: the bias of a histogram, not information


def test_scores_rank_aligned_codes_above_turned_ones_and_noise():
    scores = [disentanglement(codes, GRID, trees=20) for codes in (ALIGNED, TURNED, NOISE)]
    for name in ("mutual_information_gap", "separated_attribute_predictability"):
        aligned, turned, noise = (s[name] for s in scores)
        assert aligned > turned + 0.2 and aligned > noise + 0.4, name
    assert scores[0]["mutual_information_gap"] > 0.95
    assert scores[0]["factor_vae_score"] == 1.0
    # chance is 1/3 (the largest of three rows of 5,000 votes each: + 0.02)
    assert scores[2]["factor_vae_score"] < 0.40
    assert scores[0]["dci_disentanglement"] > 0.9 > scores[1]["dci_disentanglement"] + 0.2
    assert scores[0]["dci_informativeness"] == 1.0
    assert scores[2]["dci_informativeness"] < 0.5


def test_a_score_does_not_depend_on_the_units_or_on_unused_numbers():
    # held, the first varies more than the second does over all examples
    stretched = np.c_[ALIGNED * [10, 0.1, 3], 1e-3 * NOISE[:, :1]]
    assert 3 * stretched[:, 1].var() < (10 * 0.05) ** 2 / 3
    assert factor_vae_score(stretched, GRID, votes=2000) == 1.0
    assert factor_vae_score(1e-3 * NOISE, GRID, votes=100) == 0.0  # nothing is used


def test_dci_of_aligned_codes_is_near_one():
    found = dci(ALIGNED[::2], GRID[::2], ALIGNED[1::2], GRID[1::2], trees=20)
    assert min(found) > 0.9


def test_factors_must_belong_to_the_codes():
    with pytest.raises(UserError, match=r"one row for each of the codes, got \(5, 3\)"):
        factor_vae_score(ALIGNED, GRID[:5])
    with pytest.raises(UserError, match=r"got \(576,\)"):
        mutual_information_matrix(ALIGNED, GRID[:, 0])
