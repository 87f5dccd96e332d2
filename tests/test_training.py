"""The one loop: the page's and the tool's are the same, and windows are shuffled as it says."""

import ast
from pathlib import Path

import numpy as np
import pytest
import torch

import _model.training
from _model.training import (
    evaluate,
    make_optimizer,
    normalise,
    shuffled_batches,
    to_tensors,
    train,
)

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def loop_of(path):
    """Syntax tree of the function ``train`` of a file, without its docstring."""
    (loop,) = [
        node
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name == "train"
    ]
    assert ast.get_docstring(loop)
    loop.body = loop.body[1:]
    return ast.dump(loop)


def test_the_loop_on_the_page_is_the_loop_of_every_page():
    lesson = loop_of(EXAMPLES / "plot_73_finetune_pretrained_model.py")
    assert lesson == loop_of(Path(_model.training.__file__))


class Remembers(torch.nn.Module):
    """Remembers which windows it was given: window number i holds i."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 2)
        self.drop = torch.nn.Dropout(0.5)
        self.batches = []

    def forward(self, X):
        if self.training:
            self.batches.append(X[:, 0].long().tolist())
        return self.layer(self.drop(X))


def batches_of(n_windows, **how):
    """Numbers of the windows in each batch of a training."""
    X = torch.arange(n_windows, dtype=torch.float32)[:, None]
    torch.manual_seed(0)
    module = Remembers()
    y = torch.zeros(n_windows, dtype=torch.long)
    train(module, shuffled_batches(X, y, **how), make_optimizer(module, 1e-2))
    return module.batches


def test_windows_that_fill_no_batch_come_with_the_next_shuffle():
    batches = batches_of(10, n_steps=5, batch_size=4)
    dealt = [number for batch in batches for number in batch]
    assert {len(batch) for batch in batches} == {4}
    assert sorted(dealt[:10]) == sorted(dealt[10:]) == list(range(10))
    assert dealt[:10] != dealt[10:]


def test_fewer_windows_than_a_batch():
    batches = batches_of(3, n_steps=2, batch_size=16)
    assert [sorted(batch) for batch in batches] == [[0, 1, 2]] * 2


def test_the_order_has_a_seed_of_its_own():
    one, same, other = (batches_of(10, n_steps=3, seed=seed) for seed in (1, 1, 2))
    assert one == same != other
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    module = torch.nn.Linear(1, 2)
    torch.manual_seed(5)
    batches = shuffled_batches(torch.ones(4, 1), torch.zeros(4).long(), n_steps=2)
    train(module, batches, make_optimizer(module, 0.1))
    assert torch.rand(1) == expected  # no shuffle took a number from the weights' generator


def test_a_look_between_steps_changes_nothing():
    modes, module = [], Remembers()
    X, y = torch.arange(8, dtype=torch.float32)[:, None], torch.zeros(8, dtype=torch.long)

    def watch(step):
        modes.append((step, module.training))
        module.eval()

    batches = shuffled_batches(X, y, n_steps=3, batch_size=4)
    train(module, batches, make_optimizer(module, 1e-2), watch=watch)
    assert modes == [(1, True), (2, True), (3, True)]
    assert len(module.batches) == 3  # the step after a look is in training mode again


def test_loss_and_schedule_are_arguments():
    X, y = torch.randn(64, 3), torch.randn(64)
    torch.manual_seed(0)
    module = torch.nn.Linear(3, 1)
    optimizer = make_optimizer(module, 0.1, weight_decay=0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: float(step < 3))
    rates = []

    def loss(output, target):
        rates.append(optimizer.param_groups[0]["lr"])
        return torch.nn.functional.mse_loss(output.squeeze(-1), target)

    weights = []

    def watch(step):
        schedule.step()
        weights.append(module.weight.detach().clone())

    train(module, shuffled_batches(X, y, n_steps=5), optimizer, loss, watch)
    assert rates == [0.1, 0.1, 0.1, 0, 0]
    assert not torch.equal(weights[1], weights[2])
    assert torch.equal(weights[2], weights[4])


def test_the_optimizer_holds_what_may_learn():
    module = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
    module[0].requires_grad_(False)
    (group,) = make_optimizer(module, 3e-3).param_groups
    assert [id(p) for p in group["params"]] == [id(p) for p in module[1].parameters()]
    assert (group["lr"], group["weight_decay"]) == (3e-3, 1e-4)


@pytest.mark.parametrize("factor", [1e-6, 1.0, 50.0])
def test_the_size_of_a_window_is_gone_and_nobody_elses_is_asked(factor):
    windows = np.random.default_rng(0).standard_normal((4, 3, 50)).astype(np.float32)
    scaled = windows.copy()
    scaled[1] *= factor
    np.testing.assert_allclose(normalise(scaled), normalise(windows), rtol=1e-4)
    np.testing.assert_array_equal(normalise(scaled[2:]), normalise(scaled)[2:])
    np.testing.assert_allclose(normalise(windows).std(axis=-1).mean(axis=1), 1, rtol=1e-5)


def test_tensors_and_hits():
    X, y = to_tensors(np.random.default_rng(0).standard_normal((5, 2, 9)), np.arange(5))
    assert (X.shape, X.dtype, y.tolist()) == ((5, 2, 9), torch.float64, [0, 1, 2, 3, 4])
    outputs = torch.eye(5)
    module = torch.nn.Dropout(0.99).train()
    assert evaluate(module, outputs, y).tolist() == [True] * 5
    assert evaluate(module, outputs.flip(0), y).tolist() == [
        False,
        False,
        True,
        False,
        False,
    ]
