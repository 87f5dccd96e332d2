"""Promise of plot_76: what pretraining is worth as the labels grow."""

from typing import Annotated, Literal

from pydantic import Field

from _helpers.contracts import base

WAYS = Literal[(*base.REGIMES, "closed-form probe")]


class Page(base.Adapted):
    headline = "Accuracy of full-finetune minus from-scratch is {gain[0]:+.2f} {gain_ci[0]:+.2f} at a budget of {budgets[0]} and {gain[-1]:+.2f} {gain_ci[-1]:+.2f} at {budgets[-1]} labelled people: {gain_ci[-1]:pretraining still pays|not distinguished from zero|pretraining hurts}."
    questions = """number accuracy.from-scratch.0: With one labelled person, what accuracy does from-scratch reach?
    yes gain_ci.16.0 > 0: With 16 labelled people, is full fine-tuning still clearly above from-scratch?"""
    evidence = base.Evidence("simulated-transfer", 12, shown=2)
    claims = {  # noqa: RUF012
        "gain.1": "full minus from-scratch, labelled people: 1",
        "gain.4": "full minus from-scratch, labelled people: 4",
        "gain.16": "full minus from-scratch, labelled people: 16",
    }
    on_real = True

    budgets: Annotated[list[base.Some], Field(min_length=1)]
    """numbers of labelled people"""
    accuracy: base.every(WAYS, list[base.Fraction])
    """test accuracy per budget"""
    gain: dict[str, base.Signed]
    """full fine-tuning minus from-scratch, within people, per budget"""
    gain_ci: dict[str, base.ci_type(base.Signed)]
    gain_p: dict[str, base.Probability]
    """sign-flip p after Holm"""
    scratch_over_probe: list[base.Some]
    """budgets at which from-scratch has the higher mean"""

    def check(self):
        budgets, accuracy = self.budgets, self.accuracy
        base.refuse(sorted(set(budgets)) != budgets, f"budgets are {budgets}")
        base.refuse(list(self.gain) != [str(n) for n in budgets], "gain has other budgets")
        for i, n in enumerate(budgets):
            two = accuracy["full-finetune"][i] - accuracy["from-scratch"][i]
            base.check_close(f"gain[{n}] and the two accuracies", self.gain[str(n)], two)
