"""Promise of plot_78: what own windows of a new person buy, with labels and without."""

from typing import Annotated, Literal, get_args

from pydantic import Field

from _helpers.contracts import base

WITHOUT = Literal["scaling", "alignment", "batch norm"]
PRETRAINED = Literal["closed-form probe", "linear-probe", "full-finetune", "keep the head"]
WITH = Literal["band power", "from-scratch", *get_args(PRETRAINED)]
WAYS = Literal[
    "zero-shot",
    *get_args(WITHOUT),
    "scaling, ahead",
    "alignment, ahead",
    "batch norm, ahead",
    *get_args(WITH),
    "chosen",
    "pretrained",
]
CONTROLS = Literal["shuffled labels", "another person"]


class Page(base.Contract):
    headline = "With {own_seconds:.0f} labelled seconds accuracy goes from {accuracy[zero-shot]:.2f} (zero-shot) to {accuracy[chosen]:.2f} (chosen on source people) where chance is {chance_level:.2f}. A start from other people's weights ({best_pretrained}) differs by {gap_vs_scratch:+.2f} {gap_vs_scratch_ci:+.2f} from one from scratch on the same seconds, and band power of these windows by {band_power_gap:+.2f} {band_power_gap_ci:+.2f}; without labels the seconds add {inductive_gain:+.2f} {inductive_gain_ci:+.2f} to zero-shot."
    questions = """number gap_vs_scratch: On the same own windows, how much accuracy does a start from other people's weights gain over one from scratch?
    yes transductive_gain > inductive_gain: Does a look at the whole recording gain more than a look at the first seconds?"""
    evidence = base.Evidence("simulated-person", 12, "-effect0", shown=10)
    claims = {  # noqa: RUF012
        "gap_vs_scratch": "chosen way that starts from other people's weights minus from-scratch",
        "inductive_gain": "chosen way without labels, inductive, minus zero-shot",
        "transductive_gain": "the same, transductive, minus zero-shot",
        "minus_control.another person": "keep the head: own windows minus another person's",
    }
    on_real = True

    n_people: Annotated[int, Field(ge=6)]
    """people, each of whom was new once"""
    chance_level: base.Fraction
    """balanced accuracy of guessing, one over the number of classes"""
    shift: base.Size | None
    """how far simulated people are from each other; null where nobody knows"""
    own_seconds: base.Positive
    """what calibrates, per person"""
    class_is_block: bool
    """do classes come in blocks of a session, so that what differs between blocks counts as class?"""
    accuracy: base.every(WAYS, base.Fraction)
    """balanced accuracy with all own seconds, mean over people"""
    accuracy_ci: base.every(WAYS, base.ci_type(base.Fraction))
    best_method: base.Text
    """way with labels that source people chose; several names where groups of new people differ"""
    best_pretrained: base.Text
    """the same among ways that start from other people's weights"""
    gap_vs_scratch: base.Signed
    """best_pretrained minus from-scratch, within people"""
    gap_vs_scratch_ci: base.ci_type(base.Signed)
    band_power_gap: base.Signed
    """band power minus from-scratch, both from own windows alone, within people"""
    band_power_gap_ci: base.ci_type(base.Signed)
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
        gaps = {"pretrained": "gap_vs_scratch", "band power": "band_power_gap"}
        for method, gap in gaps.items():
            two = accuracy[method] - accuracy["from-scratch"]
            base.check_close(f"{gap} and the two accuracies", getattr(self, gap), two)
        base.refuse(self.n_lose > self.n_people, f"{self.n_lose} of {self.n_people} lose")
        chosen = {"best_method": "chosen", "best_pretrained": "pretrained"}
        names = {
            "best_method": WITH,
            "best_pretrained": PRETRAINED,
            "best_unlabelled": WITHOUT,
        }
        for name, ways in names.items():
            unknown = set(getattr(self, name).split(" / ")) - set(get_args(ways))
            base.refuse(unknown, f"{name} has {sorted(unknown)}")
        if (method := self.best_unlabelled) in accuracy:
            for kind, end in (("inductive", ""), ("transductive", ", ahead")):
                gain = accuracy[f"{method}{end}"] - accuracy["zero-shot"]
                base.check_close(f"{kind}_gain", getattr(self, f"{kind}_gain"), gain)
        for name, key in chosen.items():
            if (method := getattr(self, name)) in accuracy:
                base.check_close(key, accuracy[key], accuracy[method])
