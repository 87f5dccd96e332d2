"""Promise of plot_79: encoders of three tasks, each for each."""

from _helpers.contracts import base


class Page(base.Adapted):
    headline = "{gain_ci[rest>side]:Rest helps side|Help of rest for side is not shown|Rest harms side}: {gain[rest>side]:+.3f} {gain_ci[rest>side]:+.3f} against from-scratch, {learned[rest>side]:+.3f} {learned_ci[rest>side]:+.3f} against shuffled labels. Side to flicker: {gain[side>flicker]:+.3f} {gain_ci[side>flicker]:+.3f} against from-scratch."
    questions = """order scratch: From scratch, which task is decoded best? The highest accuracy first.
    yes gain.rest>flicker < 0: Is an encoder pretrained on rest worse for flicker than none?"""
    evidence = base.Evidence("simulated-tasks", 12, shown=4)
    claims = {  # noqa: RUF012
        "learned.rest>side": "rest to side, minus shuffled labels",
        "gain.rest>flicker": "rest to flicker, minus from-scratch",
        "learned.flicker>side": "flicker to side, minus shuffled labels",
    }

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
    gain_ci: dict[str, base.ci_type(base.Signed)]
    learned: dict[str, base.Signed]
    """full fine-tuning minus the same source with shuffled labels"""
    learned_ci: dict[str, base.ci_type(base.Signed)]

    def check(self):
        few, all_of_them = self.n_labelled_subjects, self.n_train_subjects
        base.refuse(
            few > all_of_them, f"{few} of {all_of_them}: more labelled than training people"
        )
        wrong = set(self.scratch) != set(self.tasks)
        base.refuse(wrong, f"scratch has {sorted(self.scratch)}")
        pairs = {f"{source}>{target}" for source in self.tasks for target in self.tasks}
        for name in ("gain", "learned"):
            keys = set(getattr(self, name))
            base.refuse(keys != pairs, f"{name} has {sorted(keys)}")
