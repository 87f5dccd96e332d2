"""Promise of plot_77: ways between a frozen encoder and full fine-tuning."""

from typing import Literal

from _helpers.contracts import base

WAYS = Literal[
    "linear-probe",
    "last-block",
    "LoRA, rank 2",
    "LP-FT",
    "full-finetune",
    "keep the head",
    "closed-form probe",
]


class Page(base.Adapted):
    headline = "LoRA trains {trainable_params[LoRA, rank 2]:,} parameters and reaches {accuracy[LoRA, rank 2]:.2f} {accuracy_ci[LoRA, rank 2]:.2f}; full-finetune trains {trainable_params[full-finetune]:,} and reaches {accuracy[full-finetune]:.2f} {accuracy_ci[full-finetune]:.2f}; p of their difference is {minus_full_p[LoRA, rank 2]:.2f}."
    questions = """yes accuracy.LoRA, rank 2 > accuracy.linear-probe: Does LoRA end above the linear probe?
    number accuracy.closed-form probe: What accuracy does a probe in closed form reach, without any training step?"""
    evidence = base.Evidence("simulated-transfer", 12, shown=2)
    claims = {  # noqa: RUF012
        "minus_full.closed-form probe": "closed-form probe minus full fine-tuning",
        "minus_full.LoRA, rank 2": "LoRA, rank 2 minus full fine-tuning",
        "minus_full.LP-FT": "LP-FT minus full fine-tuning",
    }
    on_real = True

    n_train_subjects: base.Some
    """labelled target people"""
    trainable_params: base.every(WAYS, base.Some)
    """parameters that learn"""
    accuracy: base.every(WAYS, base.Fraction)
    """test accuracy, mean over people"""
    accuracy_ci: base.every(WAYS, base.ci_type(base.Fraction))
    closed_form_alpha: base.Some
    """penalty that validation people chose"""
    minus_full: dict[str, base.Signed]
    """each way minus full fine-tuning, within people"""
    minus_full_p: dict[str, base.Probability]
    """sign-flip p after Holm"""
    gflop: dict[str, base.Positive]
    """1e9 floating-point operations to train"""

    def check(self):
        for method, gap in self.minus_full.items():
            two = self.accuracy[method] - self.accuracy["full-finetune"]
            base.check_close(f"minus_full[{method}] and the two accuracies", gap, two)
        most = max(self.trainable_params.values())
        base.refuse(self.trainable_params["full-finetune"] != most, "full trains less")
