"""Promise of plot_78: what own windows of a new person buy, with labels and without."""

from typing import Annotated, Literal, get_args

from pydantic import Field

from _helpers.contracts import base

WITHOUT = Literal["scaling", "alignment", "batch norm"]
WITH = Literal[
    "band power",
    "closed-form probe",
    "from-scratch",
    "linear-probe",
    "full-finetune",
    "keep the head",
]
WAYS = Literal[
    "zero-shot",
    *get_args(WITHOUT),
    "scaling, ahead",
    "alignment, ahead",
    "batch norm, ahead",
    *get_args(WITH),
    "chosen",
]
CONTROLS = Literal["shuffled labels", "another person"]


class Page(base.Contract):
    headline = "With {own_seconds:.0f} labelled seconds accuracy goes from {accuracy[zero-shot]:.2f} (zero-shot) to {accuracy[chosen]:.2f} where chance is {chance_level:.2f}, {gap_vs_scratch:+.2f} {gap_vs_scratch_ci:+.2f} against from-scratch on the same seconds; without labels they add {inductive_gain:+.2f} {inductive_gain_ci:+.2f} to zero-shot."
    questions = """number gap_vs_scratch: On the same own windows, how much accuracy do other people add to a start from scratch?
    yes transductive_gain > inductive_gain: Does a look at the whole recording gain more than a look at the first seconds?"""
    evidence = base.Evidence("simulated-person", 12, "-effect0", shown=10)
    claims = {  # noqa: RUF012
        "gap_vs_scratch": "chosen way with labels minus from-scratch",
        "inductive_gain": "chosen way without labels, inductive, minus zero-shot",
        "transductive_gain": "the same, transductive, minus zero-shot",
        "minus_control.another person": "keep the head: own windows minus another person's",
    }
    on_real = True

    n_people: Annotated[int, Field(ge=6)]
    """people, each of whom was new once"""
    n_classes: base.Several
    """of which windows have one each"""
    chance_level: base.Fraction
    """balanced accuracy of guessing"""
    shift: base.Size | None
    """how far simulated people are from each other; null where nobody knows"""
    own_seconds: base.Positive
    """what calibrates, per person"""
    class_is_recording: bool
    """does what differs between recordings count as class?"""
    accuracy: base.every(WAYS, base.Fraction)
    """balanced accuracy with all own seconds, mean over people"""
    accuracy_ci: base.every(WAYS, base.ci_type(base.Fraction))
    best_method: base.Text
    """way with labels that source people chose; several names where groups of new people differ"""
    gap_vs_scratch: base.Signed
    """what was chosen with labels minus from-scratch, within people"""
    gap_vs_scratch_ci: base.ci_type(base.Signed)
    best_unlabelled: base.Text
    """way without labels that source people chose; several names where groups differ"""
    inductive_gain: base.Signed
    """what was chosen without labels minus zero-shot, statistics from own seconds"""
    inductive_gain_ci: base.ci_type(base.Signed)
    transductive_gain: base.Signed
    """the same, statistics from the whole recording"""
    transductive_gain_ci: base.ci_type(base.Signed)
    minus_control: base.every(CONTROLS, base.Signed)
    """keep the head minus the same on other labels or windows"""
    n_lose: base.Count
    """people for whom the chosen way with labels is below zero-shot"""
    subject_overlap: base.Count
    """people on both sides of any split"""

    def check(self):
        accuracy = self.accuracy
        two = accuracy["chosen"] - accuracy["from-scratch"]
        base.check_close("gap_vs_scratch and the two accuracies", self.gap_vs_scratch, two)
        base.check_close("chance_level and classes", self.chance_level, 1 / self.n_classes)
        base.refuse(self.n_lose > self.n_people, f"{self.n_lose} of {self.n_people} lose")
        for name, ways in (("best_method", WITH), ("best_unlabelled", WITHOUT)):
            unknown = set(getattr(self, name).split(" / ")) - set(get_args(ways))
            base.refuse(unknown, f"{name} has {sorted(unknown)}")
        if (method := self.best_unlabelled) in accuracy:
            for kind, end in (("inductive", ""), ("transductive", ", ahead")):
                gain = accuracy[f"{method}{end}"] - accuracy["zero-shot"]
                base.check_close(f"{kind}_gain", getattr(self, f"{kind}_gain"), gain)
        if self.best_method in accuracy:
            base.check_close("chosen", accuracy["chosen"], accuracy[self.best_method])
