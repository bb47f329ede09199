"""The table inside of scikit-learn: 442 patients, and whether diabetes went on fast in a year."""

from __future__ import annotations

import numpy as np

from zoo.datasets.data import refuse_files
from zoo.datasets.own.cells import Cells
from zoo.datasets.own.table import TableData, made

CITATION = (
    "Efron, Hastie, Johnstone and Tibshirani, Least Angle Regression, Annals of Statistics 2004"
)

_PARTS = (300, 42, 100)


def load(
    name: str,
    data_dir: str | None = None,
    label_column: str | None = None,
    sensitive_column: str | None = None,
) -> TableData:
    """Age, body mass index, blood pressure and six measures of the blood; sex has two kinds, 1 and 2.

    The label is `progression`: fast where the measure after a year is above its median, 140.5. After a
    shuffle with seed 0: 300 train, 42 valid, 100 test.
    """
    refuse_files(name, data_dir)
    from sklearn.datasets import load_diabetes

    raw = load_diabetes(scaled=False)
    fast = raw.target > np.median(raw.target)
    names = [*raw.feature_names, "progression"]
    rows = [
        [*(f"{value:g}" for value in numbers), "fast" if up else "slow"]
        for numbers, up in zip(raw.data, fast)
    ]
    cells = Cells(name, names, rows, list(range(1, len(rows) + 1)))
    order, ends = np.random.default_rng(0).permutation(len(rows)), np.cumsum((0, *_PARTS))
    parts = {p: order[a:b] for p, a, b in zip(("train", "valid", "test"), ends, ends[1:])}
    label = "progression" if label_column is None else label_column
    return made(name, name, [cells], parts, label, sensitive_column, 0, CITATION, {})
