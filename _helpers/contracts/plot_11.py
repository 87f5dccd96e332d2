"""Promise of plot_11: splits, on data with nothing to learn."""

from typing import Annotated, Literal

from pydantic import Field

from _helpers.contracts import base

Kind = Literal["k-fold over windows", "group k-fold", "leave one person out"]
ChosenOver = Literal["training people", "all people"]


class Page(base.Contract):
    headline = (
        "nothing to learn, and r over people is {window_split_person_r:+.2f} with shuffled windows, "
        "{subject_split_person_r:+.2f} with people kept whole"
    )
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
    window_split_person_r_ci: base.interval(base.Signed)
    subject_split_person_r_ci: base.interval(base.Signed)
    shared_people: base.every(Kind, base.Count)
    """people on both sides, worst fold"""
    n_folds: base.every(Kind, base.Count)
    """folds per way to split"""
    pooled_r_of_train_mean: base.every(Kind, base.Signed)
    """correlation over pooled folds of a prediction that knows nothing"""
    selection_r: base.every(ChosenOver, base.Signed)
    """first split over people, features chosen over these people"""
    selection_r_ci: base.every(ChosenOver, base.interval(base.Signed))
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
