"""Searches settings of one model: each trial is a run directory, or several of them by seeds.

Optuna says which settings to try, by its ask and tell: it needs no part in the training, so that a trial is
a run like any other, resumed bit for bit where it was cut. KerasTuner makes and fits the model itself, and
begins a trial anew that was cut.
"""
