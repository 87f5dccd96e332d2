"""Promise of plot_11: splits, on data with nothing to learn."""

from typing import Annotated, Literal

from pydantic import Field

from _helpers.contracts import base

Kind = Literal["k-fold over windows", "group k-fold", "leave one person out"]
ChosenOver = Literal["training people", "all people"]


class Page(base.Contract):
    headline = "{window_split_person_r_ci:Shuffled windows leak|A leak is not shown|Shuffled windows hurt}: with nothing to learn, r over people is {window_split_person_r:+.2f} {window_split_person_r_ci:+.2f} when windows are shuffled, and {subject_split_person_r:+.2f} {subject_split_person_r_ci:+.2f} when people are kept whole."
    questions = """number window_split_person_r: Nothing can be learned, and windows are shuffled. What is r over people?
    yes subject_split_person_r_ci.0 > 0: People are kept whole. Is the whole interval of r above zero?"""
    on_real = True

    effect: Annotated[float, Field(ge=0, le=0)]
    """planted effect: none"""
    n_subjects: base.Several
    """people"""
    n_windows: base.Several
    """windows of all people"""
    window_split_r: base.Signed
    """test windows, windows shuffled"""
    subject_split_r: base.Signed
    """test windows, people kept whole"""
    window_split_person_r: base.Signed
    """the same over people: one mean of test windows each, windows shuffled"""
    subject_split_person_r: base.Signed
    """the same over people, people kept whole"""
    window_split_person_r_ci: base.ci_type(base.Signed)
    subject_split_person_r_ci: base.ci_type(base.Signed)
    shared_people: base.every(Kind, base.Count)
    """people on both sides, worst fold"""
    n_folds: base.every(Kind, base.Count)
    """folds per way to split"""
    pooled_r_of_train_mean: base.every(Kind, base.Signed)
    """correlation over pooled folds of a prediction that knows nothing"""
    selection_r: base.every(ChosenOver, base.Signed)
    """first split over people, features chosen over these people"""
    selection_r_ci: base.every(ChosenOver, base.ci_type(base.Signed))
    n_splits: base.Some
    """splits over people on which features were chosen in both ways"""
    n_splits_selection_leak_higher: base.Count
    """of these, splits with a higher r when features were chosen over all people"""
    manifest_replayed: bool
    """a saved split gives the same rows"""
    subject_overlap: base.Count
    """people on both sides, honest split"""

    def check(self):
        for name in ("group k-fold", "leave one person out"):
            shared = self.shared_people[name]
            base.refuse(shared, f"{name} shares {shared} people")
        per_person = self.n_folds["leave one person out"] == self.n_subjects
        base.refuse(not per_person, "leaving one person out needs a fold per person")
        higher, n = self.n_splits_selection_leak_higher, self.n_splits
        base.refuse(higher > n, f"{higher} of {n} splits")
        again = self.manifest_replayed
        base.refuse(not again, "the saved split does not give the same rows")
