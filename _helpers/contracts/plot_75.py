"""Promise of plot_75: the gain of pretraining beside what else could explain it."""

from typing import Literal

from _helpers.contracts import base

CONTROLS = Literal[
    "from-scratch", "shuffled labels", "random encoder", "zero-shot", "band power"
]


class Page(base.Adapted):
    headline = "{gains[shuffled labels][ci]:Here, yes|That is not shown|Here, no}: accuracy of full-finetune minus pretraining on shuffled labels is {gains[shuffled labels][mean]:+.2f} {gains[shuffled labels][ci]:+.2f}, minus from-scratch {gains[from-scratch][mean]:+.2f} {gains[from-scratch][ci]:+.2f}."
    questions = """yes gains.shuffled labels.ci.0 > 0: Is the gain over an encoder pretrained on shuffled labels clear: a whole interval above zero?
    number accuracy.zero-shot: The pretrained network meets the new task without any training there. What is its accuracy?"""
    evidence = base.Evidence("simulated-transfer", 12, shown=2)
    claims = {  # noqa: RUF012
        "gains.from-scratch.mean": "full fine-tuning minus from-scratch",
        "gains.shuffled labels.mean": "full fine-tuning minus shuffled labels",
        "gains.zero-shot.mean": "full fine-tuning minus zero-shot",
    }
    on_real = True

    n_train_subjects: base.Some
    """labelled target people"""
    accuracy: dict[str, base.Fraction]
    """test accuracy of the claim and of each control"""
    accuracy_ci: dict[str, base.ci_type(base.Fraction)]
    gains: base.every(CONTROLS, base.Paired)
    """full fine-tuning minus each control, within people; p after Holm"""
    warm_start: base.Paired
    """shuffled labels minus from-scratch"""

    def check(self):
        for control, gain in self.gains.items():
            two = self.accuracy["full-finetune"] - self.accuracy[control]
            base.check_close(f"gains[{control}] and the two accuracies", gain.mean, two)
