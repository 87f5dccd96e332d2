"""Promise of plot_74: what moves in an encoder that was meant to stand still."""

from typing import Literal

from _helpers.contracts import base


class Page(base.Adapted):
    headline = "{running_var[naive]:Not|It is|Not@1} by requires_grad alone: the running variance ends at {running_var[naive]:.2f} of its start, and a naive probe scores {naive_minus_frozen[all][mean]:+.3f} {naive_minus_frozen[all][ci]:+.3f} against a frozen one in this draw of people; {models_moved} of the {n_models} Braindecode models that were checked move."
    questions = """number running_var.naive: After a naive probe, what is the running variance, as a multiple of its start?
    yes foundation_moved > 0: Does any foundation model hold numbers that move although no parameter learns?"""
    bands = {"running_var": 0.1, "models_moved": 3.0}  # noqa: RUF012
    evidence = base.Evidence("simulated-transfer", 12, shown=2)
    claims = {  # noqa: RUF012
        "naive_minus_frozen.few.mean": "naive minus frozen, few steps",
        "naive_minus_frozen.all.mean": "naive minus frozen, all steps",
    }
    on_real = True

    n_train_subjects: base.Some
    """labelled target people"""
    running_var: base.every(Literal["naive", "frozen"], base.Positive)
    """running variance after a probe, as a multiple of its start"""
    accuracy: dict[str, base.Fraction]
    """test accuracy of naive and frozen probe after few and after all steps"""
    accuracy_ci: dict[str, base.ci_type(base.Fraction)]
    n_few_steps: base.Some
    """what "few" means"""
    naive_minus_frozen: base.every(Literal["few", "all"], base.Paired)
    """difference in accuracy within test people"""
    n_models: base.Some
    """models of Braindecode that were looked at"""
    n_foundation: base.Count
    """foundation models among them"""
    models_moved: base.Count
    """models with a state that moves in training mode, all parameters frozen"""
    foundation_moved: base.Count
    """foundation models among those"""
    foundation_differs: base.Count
    """foundation models whose output differs from evaluation mode"""
    n_moved_when_frozen: base.Count
    """parameters and buffers of the encoder that moved under freeze_encoder"""

    def check(self):
        moved = self.running_var["frozen"], self.n_moved_when_frozen
        base.refuse(moved != (1.0, 0), f"the frozen encoder moved: {moved}")
        base.refuse(self.models_moved > self.n_models, "more models moved than there are")
        foundation = max(self.foundation_moved, self.foundation_differs)
        base.refuse(foundation > self.n_foundation, "more moved than there are")
