"""Whether single latent numbers stand for single factors of variation, where the factors are known.

Legend: N examples, D latent numbers, K factors (each an integer class).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tfvae.checks import UserError, positive

__all__ = [
    "DCI",
    "dci",
    "dci_of_importances",
    "disentanglement",
    "factor_vae_score",
    "mutual_information_gap",
    "mutual_information_matrix",
    "separated_attribute_predictability",
]

_DEAD = 0.05  # standard deviation under which a latent number counts as unused (Kim and Mnih 2018)


class DCI(NamedTuple):
    """From 0 to 1 each: one factor a number, one number a factor, and the factors' test accuracy."""

    disentanglement: float
    completeness: float
    informativeness: float | None


def _checked(codes, factors) -> tuple[np.ndarray, np.ndarray]:
    codes, factors = np.asarray(codes, np.float64), np.asarray(factors)
    codes = codes.reshape(len(codes), -1)
    if factors.ndim != 2 or len(factors) != len(codes) or not len(codes):
        raise UserError(
            f"factors must be [N, K], one row for each of the codes, got {factors.shape} "
            f"for {codes.shape}"
        )
    return codes, factors


def _entropy(values) -> float:
    share = np.unique(values, return_counts=True)[1] / len(values)
    return float(-(share * np.log(share)).sum())


def mutual_information_matrix(codes, factors, bins: int = 20) -> np.ndarray:
    """I(z_d; v_k) of histograms of equal width, [D, K] nats; Locatello et al. 2019.

    Args:
        codes: [N, ...], the posterior means.
        factors: [N, K].
        bins: of each latent number. Without bins every I would be ln N.
    """
    codes, factors = _checked(codes, factors)
    binned = [np.digitize(z, np.histogram(z, bins)[1][:-1]) for z in codes.T]
    result = np.zeros((len(binned), factors.shape[1]))
    for d, z in enumerate(binned):
        for k, v in enumerate(factors.T):
            both = z.astype(np.int64) * (int(v.max()) + 1) + v
            result[d, k] = _entropy(z) + _entropy(v) - _entropy(both)
    return result


def mutual_information_gap(matrix, entropies) -> float:
    """MIG = mean_k (largest - second largest I(z_d; v_k)) / H(v_k); Chen et al. 2018.

    Args:
        matrix: [D, K] nats.
        entropies: H(v_k), [K] nats; a factor that does not vary is left out.
    """
    matrix, entropies = np.asarray(matrix, np.float64), np.asarray(entropies, np.float64)
    return float(np.mean(_gaps(matrix)[entropies > 0] / entropies[entropies > 0]))


def _gaps(matrix: np.ndarray) -> np.ndarray:
    """Of each column, the largest entry less the second largest (0 where there is no second)."""
    ordered = np.sort(np.concatenate([matrix, np.zeros((1, matrix.shape[1]))]), 0)
    return ordered[-1] - ordered[-2]


def factor_vae_score(codes, factors, votes: int = 10_000, batch: int = 64, seed: int = 0) -> float:
    """Accuracy of the majority vote "the number that varies least belongs to the held factor".

    Kim and Mnih 2018: a factor k is drawn and one of its values; of `batch` examples with
    that value, the d with the least Var(z_d) / (variance over all examples) votes for k. Half of the
    votes make the table d -> k, the other half is judged by it.

    Args:
        codes: [N, ...], the posterior means.
        factors: [N, K].
        votes: in both halves together.
        batch: examples of a vote, drawn with replacement.
        seed: of the draws.

    Returns:
        from 0 to 1 (chance: 1 / K); 0 if no latent number is used.
    """
    codes, factors = _checked(codes, factors)
    used = codes.std(0) > _DEAD
    if not used.any():
        return 0.0
    codes = codes[:, used] / codes[:, used].std(0)
    rng = np.random.default_rng(seed)
    places = [[np.flatnonzero(v == value) for value in np.unique(v)] for v in factors.T]
    table = np.zeros((2, codes.shape[1], factors.shape[1]))
    for vote in range(int(positive("votes", votes))):
        k = rng.integers(len(places))
        rows = rng.choice(places[k][rng.integers(len(places[k]))], batch)
        table[vote % 2, codes[rows].var(0).argmin(), k] += 1
    chosen = table[0].argmax(1)
    return float(table[1][np.arange(len(chosen)), chosen].sum() / table[1].sum())


def separated_attribute_predictability(matrix) -> float:
    """SAP = mean_k (largest - second largest score of z_d for v_k); Kumar et al. 2018.

    Args:
        matrix: [D, K], how well each number alone predicts each factor, e.g. a test accuracy.
    """
    return float(np.mean(_gaps(np.asarray(matrix, np.float64))))


def _predictability(train, train_factors, test, test_factors) -> np.ndarray:
    """Balanced test accuracy of a linear SVM on one number alone, [D, K]."""
    from sklearn.svm import LinearSVC

    result = np.zeros((train.shape[1], train_factors.shape[1]))
    for d in range(result.shape[0]):
        if train[:, d].std() <= 1e-12:
            continue
        for k in range(result.shape[1]):
            machine = LinearSVC(C=0.01, class_weight="balanced")
            machine.fit(train[:, d : d + 1], train_factors[:, k])
            result[d, k] = machine.score(test[:, d : d + 1], test_factors[:, k])
    return result


def dci_of_importances(importances, informativeness: float | None = None) -> DCI:
    """Eastwood and Williams 2018, from R [D, K], R_dk >= 0 the importance of z_d for v_k.

    disentanglement = sum_d rho_d (1 - H(R_d. / sum) / ln K),  rho_d the share of d in all of R
    completeness    = sum_k rho_k (1 - H(R_.k / sum) / ln D)
    """
    importances = np.asarray(importances, np.float64)

    def sharpness(rows):
        total = rows.sum(1, keepdims=True)
        share = np.divide(rows, total, out=np.zeros_like(rows), where=total > 0)
        logs = np.log(share, out=np.zeros_like(share), where=share > 0)
        sharp = 1 + (share * logs).sum(1) / np.log(max(rows.shape[1], 2))
        weight = total[:, 0] / max(rows.sum(), 1e-300)
        return float((weight * sharp).sum())

    return DCI(sharpness(importances), sharpness(importances.T), informativeness)


def dci(
    train_codes, train_factors, test_codes, test_factors, seed: int = 0, trees: int = 100
) -> DCI:
    """DCI with the importances of boosted trees, one classifier a factor.

    Published figures (Locatello et al. 2019) are of 100 trees; with fewer the importances are less
    sharp, and so is the score.
    """
    from sklearn.ensemble import GradientBoostingClassifier

    train, train_factors = _checked(train_codes, train_factors)
    test, test_factors = _checked(test_codes, test_factors)
    columns, scores = [], []
    for k in range(train_factors.shape[1]):
        boosted = GradientBoostingClassifier(n_estimators=trees, random_state=seed)
        boosted.fit(train, train_factors[:, k])
        columns.append(np.abs(boosted.feature_importances_))
        scores.append(boosted.score(test, test_factors[:, k]))
    return dci_of_importances(np.stack(columns, 1), float(np.mean(scores)))


def disentanglement(codes, factors, seed: int = 0, trees: int = 100) -> dict[str, float | None]:
    """The usual four at once: MIG, FactorVAE score, SAP and DCI, by the keys of the report.

    Args:
        codes: [N, ...], the posterior means.
        factors: [N, K]; two thirds of the rows, drawn by `seed`, train what must be trained.
        seed: of every draw.
        trees: of DCI.
    """
    codes, factors = _checked(codes, factors)
    varying = [k for k in range(factors.shape[1]) if len(np.unique(factors[:, k])) > 1]
    factors = factors[:, varying]
    order = np.random.default_rng(seed).permutation(len(codes))
    split = 2 * len(codes) // 3
    train, test = order[:split], order[split:]
    halves = (codes[train], factors[train], codes[test], factors[test])
    of_trees = dci(*halves, seed, trees)
    return {
        "mutual_information_gap": mutual_information_gap(
            mutual_information_matrix(codes, factors), [_entropy(v) for v in factors.T]
        ),
        "factor_vae_score": factor_vae_score(codes, factors, seed=seed),
        "separated_attribute_predictability": separated_attribute_predictability(
            _predictability(*halves)
        ),
        "dci_disentanglement": of_trees.disentanglement,
        "dci_completeness": of_trees.completeness,
        "dci_informativeness": of_trees.informativeness,
    }
