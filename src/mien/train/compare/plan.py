"""Who is compared: networks on an equal budget, those that come with Mien, and what papers say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from mien.train.recipe import LabelRecipe, Recipe, parse_config, read_recipe

BUDGET_CORE_MINUTES: Final = 10
"""What each run may take: the epochs below are as many as fit, on the machine where they were set."""

SEEDS: Final = (7, 8, 9)
"""Of the runs of each contestant; the seed also cuts the validation part."""

Changes = dict[str, dict[str, Any]]

_COPIES: Final[Changes] = {"data": {"near_copy": 0.94}}
"""All leave the same copies of test faces out of training."""


@dataclass(frozen=True)
class Contestant:
    """A recipe on the budget.

    Attributes:
        name: of its runs.
        title: for people.
        recipe: a built-in one.
        epochs: as many as fit into the budget.
        changes: values by name, by part of the recipe, that are not the recipe's own.
    """

    name: str
    title: str
    recipe: str
    epochs: int
    changes: Changes = field(default_factory=dict)

    def recipe_for(self, seed: int) -> Recipe:
        """Return the whole recipe of one run."""
        recipe = read_recipe(self.recipe)
        fields = recipe.model_dump()
        fields |= {"name": self.name, "seed": seed}
        for part, values in (_COPIES | self.changes).items():
            fields[part] |= values
        fields["fit"]["epochs"] = self.epochs
        if isinstance(recipe, LabelRecipe):
            # Patience: to the end of the falling rate.
            fields["fit"] |= {"patience": self.epochs, "teacher": ""}
        return parse_config(fields, self.name)


CONTESTANTS: Final = (
    Contestant("zhou", "mini-XCEPTION after Zhou et al. 2021", "zhou", 14),
    Contestant("shcnn", "SHCNN after Miao et al. 2019", "shcnn", 7),
    Contestant("edges", "edges over every layer, after Zhang et al. 2019", "edges", 8),
    Contestant("scep", "SCEP after Li et al. 2021", "scep", 3),
    Contestant("mobilenet", "the paper's MobileNet, from ImageNet", "fer2013", 2),
    Contestant("mien", "Mien's own, from ImageNet, without teachers", "mien-mobilenet", 2),
    Contestant("edges-input", "edges over the input", "edges", 8, {"network": {"edges": "input"}}),
    Contestant("edges-none", "the same without edges", "edges", 8, {"network": {"edges": "none"}}),
    Contestant("scep-none", "SCEP without attention", "scep", 3, {"network": {"attention": "none"}}),
)
"""Each is trained once with each seed."""

SHIPPED: Final = ("mien", "paper", "zhou", "shcnn", "edges")
"""Networks that come with Mien: trained for longer, one seed."""


@dataclass(frozen=True)
class Question:
    """What two contestants that differ in one thing are to tell.

    Attributes:
        text: the question.
        one: the contestant with it.
        other: the contestant without.
        figures: by which they are compared.
    """

    text: str
    one: str
    other: str
    figures: tuple[str, ...]


_OF_CLASSES: Final = ("accuracy", "macro_f1", "ferplus")

QUESTIONS: Final = (
    Question("edges over every layer, against none", "edges", "edges-none", _OF_CLASSES),
    Question("edges over the input, against none", "edges-input", "edges-none", _OF_CLASSES),
    Question("attention, against none", "scep", "scep-none", ("ccc_valence", "ccc_arousal", *_OF_CLASSES)),
)


@dataclass(frozen=True)
class Claim:
    """A figure that a paper prints, which can't be measured again.

    Attributes:
        paper: which.
        says: the figure, as printed.
        remark: why it is not to be set against ours.
    """

    paper: str
    says: str
    remark: str


CLAIMS: Final = (
    Claim(
        "Arriaga et al. 2017 (mini-XCEPTION), arXiv:1710.07557",
        "66 % on FER-2013",
        "64x64 pixels, copies of test faces in training: the published network gets 63.9 % on the faces of"
        " PrivateTest that have no copy in Training, and 84.4 % on those that have one",
    ),
    Claim(
        "Zhang, Jolfaei, Alazab 2019, abstract",
        "88.56 % on average",
        "FER-2013 mixed with faces of LFW by the authors, how is not at hand; FER-2013's own labels are not"
        " that consistent",
    ),
    Claim(
        "Miao, Xu, Han, Zhu 2019, abstract",
        "best on FERPlus, competitive on FER2013",
        "no figure in the abstract; the tables are not at hand",
    ),
    Claim(
        "Li et al. 2021, abstract",
        "attention gains about 3 to 6 % of CCC in valence, 3 to 5 % in arousal",
        "on photographs of scenes rated by people, over VGG and ResNet; ours are faces, and the targets are"
        " made of votes",
    ),
    Claim(
        "the paper that Mien follows",
        "58.82 % on five classes",
        "75 % to 25 % at random, copies on both sides",
    ),
)
