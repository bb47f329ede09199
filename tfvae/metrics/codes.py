"""What the codes know about labels they never saw: nearest neighbours and a linear probe.

Legend: N training codes, M test codes, D numbers of a code (further axes are flattened).
"""

from __future__ import annotations

import numpy as np

from tfvae.checks import UserError, positive

__all__ = ["linear_probe_accuracy", "nearest_neighbour_accuracy"]


def _codes_and_labels(name: str, codes, labels) -> tuple[np.ndarray, np.ndarray]:
    """Codes [N, D] float64 and labels [N]."""
    codes, labels = np.asarray(codes, np.float64), np.asarray(labels)
    if codes.ndim < 1 or not len(codes) or labels.shape != codes.shape[:1]:
        raise UserError(
            f"{name}_labels must be one for each of the {name}_codes, "
            f"got {labels.shape} for {codes.shape}"
        )
    return codes.reshape(len(codes), -1), labels


def nearest_neighbour_accuracy(
    train_codes, train_labels, test_codes, test_labels, k: int = 5, chunk: int = 512
) -> float:
    """Share of test codes whose k nearest training codes (Euclidean) vote for their label.

    Args:
        train_codes: [N, ...].
        train_labels: [N].
        test_codes: [M, ...].
        test_labels: [M].
        k: voters, at most N; a tie goes to the side of the nearer neighbours.
        chunk: test codes at a time; memory is chunk * N numbers.

    Returns:
        accuracy from 0 to 1.

    Raises:
        UserError: the shapes do not fit, or `k` is not from 1 to N.
    """
    train, train_labels = _codes_and_labels("train", train_codes, train_labels)
    test, test_labels = _codes_and_labels("test", test_codes, test_labels)
    if not 1 <= k <= len(train):
        raise UserError(f"k must be from 1 to the {len(train)} training codes, got {k}")
    classes, train_index = np.unique(train_labels, return_inverse=True)
    centre = train.mean(0)  # distances do not change, the products get smaller
    train, test = train - centre, test - centre
    train_norm = (train**2).sum(1)
    # Votes of 1 each, plus a hair for the nearer: all the hairs together are less than a vote.
    votes = 1.0 + np.arange(k, 0, -1) / (k + 1.0) ** 2
    correct = 0
    for start in range(0, len(test), int(positive("chunk", chunk))):
        rows = test[start : start + chunk]
        distance = train_norm - 2.0 * rows @ train.T
        nearest = np.argpartition(distance, k - 1, axis=1)[:, :k]
        order = np.argsort(np.take_along_axis(distance, nearest, 1), axis=1, kind="stable")
        voters = train_index[np.take_along_axis(nearest, order, 1)]
        counts = np.zeros((len(rows), len(classes)))
        np.add.at(counts, (np.arange(len(rows))[:, None], voters), votes)
        correct += int(np.sum(classes[counts.argmax(1)] == test_labels[start : start + chunk]))
    return correct / len(test)


def linear_probe_accuracy(
    train_codes, train_labels, test_codes, test_labels, regularisation: float = 1.0
) -> float:
    """Test accuracy of a logistic regression on standardised codes.

    Codes are scaled by the training set's mean and deviation, so that the figure does not depend
    on the latent's units.

    Args:
        train_codes: [N, ...].
        train_labels: [N], at least two classes.
        test_codes: [M, ...].
        test_labels: [M].
        regularisation: weight of the L2 penalty against the sum of the losses.

    Returns:
        accuracy from 0 to 1.

    Raises:
        UserError: the shapes do not fit, or there is one class only.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train, train_labels = _codes_and_labels("train", train_codes, train_labels)
    test, test_labels = _codes_and_labels("test", test_codes, test_labels)
    if len(np.unique(train_labels)) < 2:
        raise UserError(f"train_labels must hold at least 2 classes, got {train_labels[0]!r} only")
    strength = 1.0 / positive("regularisation", regularisation)
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=2000))
    return float(probe.fit(train, train_labels).score(test, test_labels))
