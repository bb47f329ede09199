"""From the words of a command to a run directory: plan, model, stages, report."""
