"""Words of the house, read from the syntax tree: names that say nothing, pressed code, what a docstring owes."""

import ast
import re

import pytest

from _helpers.pages import ROOT
from tools import HELPERS, PAGES, PRIVATE

FILES = [*PAGES, *PRIVATE, *HELPERS]
#: Names that tell nothing of what they hold.
EMPTY = {"own", "found", "said", "way"}
#: Words with one meaning, and the functions and classes that may carry them. ``fit`` is the method
#: of scikit-learn; whoever trains a network says ``train``, whoever brings windows or a head to a
#: model says ``match`` or ``with``.
MEANINGS = {
    "fit": {"fit_and_score"},
    "look": {"look_up"},
    "looks": set(),
    "summary": set(),
    "task": {"simulate_two_task_subject", "three_task_people"},
    "compare": {"compare_within_people"},
    "fingerprint": {"fingerprint"},
    "fingerprints": {"fingerprints"},
    "adapt": {"adapt"},
    "normalise": {"normalise", "normalise_subjects"},
    "interval": {"interval", "ratio_interval", "with_interval", "draw_interval"}
    | {"check_interval", "interval_of"},
}
COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
#: What is left, by rule and file. Numbers only fall, and what is mended is deleted:
#: ``PYTHONPATH=. python tests/test_vocabulary.py`` prints today's.
TODAY = {
    "pressed": {
        "examples/plot_73_finetune_pretrained_model.py": 10,
        "examples/plot_74_frozen_is_not_frozen.py": 8,
        "examples/plot_75_what_explains_the_gain.py": 5,
        "examples/plot_76_how_many_labels.py": 4,
        "examples/plot_77_how_little_can_learn.py": 4,
        "examples/plot_78_a_new_person.py": 6,
        "examples/plot_79_cross_task_transfer.py": 7,
        "examples/plot_90_scale_out.py": 3,
        "examples/plot_91_which_model_fits.py": 6,
        "examples/plot_92_bring_your_checkpoint.py": 10,
    },
}


def empty_names(tree):
    """Variables, arguments, loop and comprehension variables whose name says nothing."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            name = node.id
        elif isinstance(node, ast.arg):
            name = node.arg
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
            name = node.name
        else:
            continue
        if name in EMPTY:
            yield f"line {node.lineno}: {name}"


def leaves(target):
    """How many things an assignment fills."""
    if isinstance(target, ast.Tuple | ast.List):
        return sum(leaves(element) for element in target.elts)
    return 1


def pressed(tree):
    """Lines that hold more than one thing.

    Unpacking *one* value of several parts, such as what a call returns or a shape, is one thing; a
    tuple that is written out or computed on the right only to be taken apart on the left is several.
    """
    for node in ast.walk(tree):
        several = (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Tuple | ast.List | COMPREHENSIONS)
            and max(map(leaves, node.targets)) > 2
        )
        if several:
            yield f"line {node.lineno}: more than two assignments in one"
        if isinstance(node, COMPREHENSIONS):
            inner = [n for n in ast.walk(node) if isinstance(n, COMPREHENSIONS)]
            if len(inner) > 1:
                yield f"line {node.lineno}: a comprehension in another"
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            sides = (node.left, node.right)
            if any(map(is_text, sides)) and any(map(is_truth, sides)):
                yield f"line {node.lineno}: text times a truth value"
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.BitOr):
            yield f"line {node.lineno}: |="


def is_text(node):
    """Whether an expression is text that is written out."""
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def is_truth(node):
    """Whether an expression is a comparison, or made of some."""
    return (
        isinstance(node, ast.Compare | ast.BoolOp)
        or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not))
        or (isinstance(node, ast.Call) and ast.unparse(node.func) == "bool")
    )


def public_functions(tree):
    """Functions of a module, and methods of its classes, that others may call."""
    for node in tree.body:
        if getattr(node, "name", "_").startswith("_"):
            continue
        if isinstance(node, FUNCTIONS):
            yield node
        elif isinstance(node, ast.ClassDef):
            methods = [n for n in node.body if isinstance(n, FUNCTIONS)]
            yield from (method for method in methods if not method.name.startswith("_"))


def section(docstring, title):
    """Text of a section of a docstring in the style of numpy, without its heading."""
    match = re.search(rf"^{title}\n-+\n(.*?)(?=^\w+\n-+$|\Z)", docstring, re.M | re.S)
    return match[1] if match else ""


def unnamed_parameters(tree):
    """Parameters of public functions with two or more that *Parameters* does not name."""
    for function in public_functions(tree):
        arguments = function.args
        names = [
            a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
        ]
        names += [f"*{arguments.vararg.arg}"] if arguments.vararg else []
        names += [f"**{arguments.kwarg.arg}"] if arguments.kwarg else []
        names = [name for name in names if name not in ("self", "cls")]
        text = section(ast.get_docstring(function) or "", "Parameters")
        heads = re.findall(r"^(?=\S)(.*?)(?: :.*)?$", text, re.M)
        named = {name for head in heads for name in head.split(", ")}
        missing = [name for name in names if name not in named]
        if len(names) > 1 and missing:
            yield f"{function.name}: {', '.join(missing)}"


def empty_returns(tree):
    """Functions whose return value is described as "It."."""
    for node in ast.walk(tree):
        if isinstance(node, FUNCTIONS):
            text = section(ast.get_docstring(node) or "", "Returns")
            if re.search(r"^\s*It\.", text, re.M):
                yield f"{node.name}: It."


def words_of_two_meanings(tree):
    """Functions and classes that carry a word which means something else."""
    for node in ast.walk(tree):
        if isinstance(node, FUNCTIONS | ast.ClassDef):
            words = re.findall(r"[a-z]+", node.name.lower())
            for word in MEANINGS.keys() & set(words):
                if node.name not in MEANINGS[word]:
                    yield f"{node.name}: {word}"


#: Rule -> how it looks for what breaks it, and where.
RULES = {
    "meaning": (words_of_two_meanings, FILES),
    "name": (empty_names, FILES),
    "pressed": (pressed, PAGES),
    "parameters": (unnamed_parameters, [*PRIVATE, *HELPERS]),
    "returns": (empty_returns, FILES),
}


def broken(rule):
    """What breaks a rule, by file."""
    check, paths = RULES[rule]
    places = {}
    for path in paths:
        lines = list(check(ast.parse(path.read_text("utf-8"))))
        if lines:
            places[path.relative_to(ROOT).as_posix()] = lines
    return places


@pytest.mark.parametrize("rule", RULES)
def test_words_and_code_keep_the_rules(rule):
    places = broken(rule)
    allowed = TODAY.get(rule, {})
    new = {
        name: lines for name, lines in places.items() if len(lines) > allowed.get(name, 0)
    }
    assert not new
    counts = {name: len(places.get(name, ())) for name in allowed}
    assert counts == allowed, f"fewer now: TODAY[{rule!r}] is {counts}, without zeros"


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (empty_names, "own = 1"),
        (empty_names, "def f(found): pass"),
        (empty_names, "for n, (said, _) in x: pass"),
        (empty_names, "[way for way in x]"),
        (words_of_two_meanings, "def fit_windows(X): pass"),
        (words_of_two_meanings, "class Look: pass"),
        (pressed, "a, b, c = 1, 2, 3"),
        (pressed, "a, (b, c) = 1, f()"),
        (pressed, "a, b, c = (f(x) for x in y)"),
        (pressed, "{k: [f(v) for v in values] for k, values in x.items()}"),
        (pressed, "'s' * (n != 1)"),
        (pressed, "f'{a}' * (not b)"),
        (pressed, "contract |= {}"),
        (unnamed_parameters, "def f(a, b): 'Do.'"),
        (
            unnamed_parameters,
            "def f(a, b):\n '''Do.\n\n Parameters\n ----------\n a : int\n  b\n'''",
        ),
        (unnamed_parameters, "class A:\n def f(self, a, b): 'Do.'"),
        (empty_returns, "def f():\n '''Do.\n\n Returns\n -------\n int\n  It.\n '''"),
    ],
)
def test_a_rule_can_fail(check, text):
    assert list(check(ast.parse(text)))


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (empty_names, "report.found = row['own']; f(way=1)"),
        (words_of_two_meanings, "def train(X): return model.fit(X)"),
        (pressed, "_, n_chans, n_times = X.shape"),
        (pressed, "value, (low, high) = f()"),
        (pressed, "train, test = (f(side) for side in sides)"),
        (pressed, "'-' * n"),
        (unnamed_parameters, "def f(a): 'Do.'"),
        (unnamed_parameters, "def _f(a, b): 'Do.'"),
        (
            unnamed_parameters,
            "def f(a, b, **c):\n '''Do.\n\n Parameters\n ----------\n a, b : int\n  x\n **c\n  x\n'''",
        ),
        (empty_returns, "def f():\n '''Do.\n\n Returns\n -------\n int\n  Items.\n '''"),
    ],
)
def test_a_rule_lets_plain_code_be(check, text):
    assert not list(check(ast.parse(text)))


if __name__ == "__main__":
    for rule in RULES:
        for name, lines in broken(rule).items():
            print(rule, name, len(lines), *lines, sep="\n  ")
    counts = {
        rule: {name: len(lines) for name, lines in broken(rule).items()} for rule in RULES
    }
    print(f"TODAY = {counts}")
