"""Promise of plot_79: encoders of three tasks, each for each."""

from typing import Literal

from _helpers.contracts import base


class Page(base.Adapted):
    headline = (
        "rest to side {gain[rest>side]:+.2f} over from-scratch, "
        "rest to flicker {gain[rest>flicker]:+.2f}"
    )
    evidence = base.Evidence(
        "simulated-tasks",
        12,
        tuple(
            base.Claim(pair, f"{pair}, {words}", f"{key}.{pair}", f"{key}_ci.{pair}")
            for pair, key, words in (
                ("rest>side", "learned", "minus shuffled labels of rest"),
                ("rest>flicker", "gain", "minus from-scratch"),
                ("flicker>side", "learned", "minus shuffled labels of flicker"),
            )
        ),
    )

    tutorial: Literal["plot_79"]
    tasks: list[str]
    """each is source and target"""
    n_train_subjects: base.Some
    """people of the pretraining"""
    n_labelled_subjects: base.Some
    """those of them with labels of the target task"""
    scratch: dict[str, base.Fraction]
    """test accuracy of from-scratch, by target"""
    gain: dict[str, base.Signed]
    """full fine-tuning minus from-scratch, source>target"""
    gain_ci: dict[str, base.interval(base.Signed)]
    """95 % interval over test people"""
    learned: dict[str, base.Signed]
    """full fine-tuning minus the same source with shuffled labels"""
    learned_ci: dict[str, base.interval(base.Signed)]
    """95 % interval over test people"""

    def check(self):
        few, all_of_them = self.n_labelled_subjects, self.n_train_subjects
        base.refuse(
            few > all_of_them, f"{few} of {all_of_them}: more labelled than training people"
        )
        wrong = set(self.scratch) != set(self.tasks)
        base.refuse(wrong, f"scratch has {sorted(self.scratch)}")
        pairs = {f"{source}>{target}" for source in self.tasks for target in self.tasks}
        for name in ("gain", "learned"):
            found = set(getattr(self, name))
            base.refuse(found != pairs, f"{name} has {sorted(found)}")
