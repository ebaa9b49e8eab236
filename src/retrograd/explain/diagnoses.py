"""The diagnoses, each registered once: where it is, and which question it answers.

The names that `retrograd` offers, the tables in README.md and docs/diagnosis.md and the
help of the command line are read off this table.
"""

from __future__ import annotations


class Diagnosis:
    """One of them.

    Args:
      call: how it is asked, as a reader would write it: `why_none(y, x)`.
      module: the module below `retrograd` that has it, imported when it is first used.
      question: what it answers, in Markdown.
      beside: other names that come with it, each with its module.

    Attributes:
      name: what it is called: `why_none`.
    """

    def __init__(
        self,
        call: str,
        module: str,
        question: str,
        beside: dict[str, str] | None = None,
    ) -> None:
        self.call, self.module, self.question = call, module, question
        self.name = call.partition("(")[0]
        self.beside = beside or {}


#: in the order in which they are listed
DIAGNOSES = (
    Diagnosis(
        "why_none(y, x)",
        "explain.why_none",
        "Why is my gradient `None`, or zero?",
    ),
    Diagnosis(
        "paths(y, x)",
        "explain.paths",
        "By which ways does y depend on x, and which matter?",
    ),
    Diagnosis(
        "check_custom(gradient)",
        "explain.check_custom",
        "Is the gradient right that I wrote by hand?",
    ),
    Diagnosis(
        "overrides()",
        "explain.overrides",
        "Which operations does my `gradient_override_map` hit?",
    ),
    Diagnosis(
        "trace_nan(y)",
        "explain.nan",
        "Which operation made the first NaN?",
    ),
    Diagnosis(
        "nan_watch(loss)",
        "explain.watch",
        "In which step of the training, and by what?",
        beside={"NotFiniteError": "explain.watch"},
    ),
    Diagnosis(
        "gradient_flow(loss)",
        "explain.flow",
        "Where does the gradient vanish or explode?",
        beside={"GradientFlow": "explain.flow_steps"},
    ),
    Diagnosis(
        "memory(loss)",
        "explain.memory",
        "What does the backward pass keep in memory?",
    ),
    Diagnosis(
        "accumulation_check(loss, …)",
        "explain.accumulation",
        "Do small batches, accumulated, give the gradients of a large one?",
    ),
    Diagnosis(
        'doctor("train.py")',
        "compat.doctor",
        "What does my program use that is not provided?",
    ),
)


def modules() -> dict[str, str]:
    """The names that the diagnoses offer, each with the module that has it."""
    return {
        name: f"retrograd.{module}"
        for diagnosis in DIAGNOSES
        for name, module in (
            (diagnosis.name, diagnosis.module),
            *diagnosis.beside.items(),
        )
    }
