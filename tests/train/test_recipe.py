from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mien.errors import ConfigError
from mien.train.networks import network_spec, networks_of
from mien.train.networks.edges import Edges
from mien.train.networks.mobilenet import MobileNet
from mien.train.recipe import (
    JointRecipe,
    LabelRecipe,
    built_in_recipes,
    change_recipe,
    parse_config,
    parse_recipe,
    read_any_recipe,
    read_recipe,
)


def test_the_built_in_recipes() -> None:
    assert {"fer2013", "mien-large", "paper"} <= set(built_in_recipes())
    for name in built_in_recipes():
        assert read_any_recipe(name).name == name
        assert isinstance(read_any_recipe(name), JointRecipe) == name.startswith("mien")
    fer2013, paper = read_recipe("fer2013"), read_recipe("paper")
    assert (fer2013.data.split, fer2013.data.remove) == ("official", ())
    assert (paper.data.split, paper.data.remove) == ("grouped", ("disgust", "fear"))
    assert paper.data.test_share == 0.25


def test_what_a_teacher_has_learnt_does_not_judge_its_pupil() -> None:
    """Seed, split and copies decide which faces are validation's."""
    every = map(read_any_recipe, built_in_recipes())
    pupils = [recipe for recipe in every if isinstance(recipe, LabelRecipe)]
    taught = [recipe for recipe in pupils if recipe.fit.teacher]
    assert {recipe.name for recipe in taught} == {"zhou", "shcnn", "edges"}
    for pupil in taught:
        teacher = read_recipe(pupil.fit.teacher)
        assert pupil.seed == teacher.seed
        assert (pupil.data.split, pupil.data.near_copy) == (teacher.data.split, teacher.data.near_copy)


def test_a_copy_of_a_built_in_recipe_that_was_changed(tmp_path: Path) -> None:
    source = Path(__file__).parents[2] / "src" / "mien" / "train" / "recipes" / "paper.toml"
    text = source.read_text(encoding="utf-8").replace("seed = 7", "seed = 8")
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    mine = read_recipe(str(tmp_path / "mine.toml"))
    assert mine == read_recipe("paper").model_copy(update={"seed": 8})


def test_the_recipes_of_the_documentation() -> None:
    text = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
    recipes = [parse_recipe(each, "docs") for each in re.findall(r"```toml\n(.*?)```", text, re.DOTALL)]
    assert {recipe.name: recipe.networks for recipe in recipes} == {
        "my-faces": ("mien.onnx",),
        "my-mien": ("mien.onnx",),
    }
    seed, near_copy = recipes[1].seed, recipes[1].data.near_copy
    assert (seed, near_copy) == ((mien := read_recipe("mien")).seed, mien.data.near_copy)


def test_what_is_left_out_takes_its_default() -> None:
    assert parse_recipe('name = "small"', "here") == LabelRecipe(name="small")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "name: Field required$"),
        ('name = "Ünfit"', "name: .*received 'Ünfit'"),
        ('name = "a"\nspeed = 3', "speed: .*not permitted, received 3"),
        ('name = "a"\n[fine]\nepoch = 3', r"fine\.epoch: .*not permitted, received 3"),
        ('name = "a"\n[fine]\nepochs = 0', r"fine\.epochs: .*greater than or equal to 1, received 0"),
        ('name = "a"\n[fine]\nepochs = "many"', r"fine\.epochs: expected a whole number, received 'many'"),
        ('name = "a"\n[data]\nsplit = "mine"', r"data\.split: .*'official', 'grouped' or 'random'"),
        ('name = "a"\n[data]\nsize_px = 8', r"data\.size_px: .*24, received 8"),
        ('name = "a"\n[data]\ntest_share = 1', r"data\.test_share: .*less than 1"),
        ('name = "a"\n[network]\narchitecture = "vgg"', r"network\.architecture: .*'mobilenet'"),
        ('name = "a"\n[network]\nlast_block = 14', r"network\.last_block: .*13, received 14"),
        ('name = "a"\n[network]\nweights = "mien"', r"network\.weights: .*pattern.*received 'mien'"),
        ('name = "a"\nnetwork = 3', r"network: .*received 3"),
        ('name = "a"\n[network]\narchitecture = "zhou"\ndense = 3', r"network\.dense: .*not permitted"),
        ('name = "a"\n[network]\narchitecture = "edges"\nedges = "all"', r"network\.edges: .*'every layer'"),
        ('name = "a"\n[augment]\nflip = 2', r"augment\.flip: .*less than or equal to 1, received 2"),
        ('name = "a"\nfine = 3', "fine: .*received 3"),
        ('name = "a"\nfit = 3', "fit: .*received 3"),
        ('name = "a"\n[fit]\nepochs = 3\n[fine]\nepochs = 4', "fine: .*not permitted"),
        ('name = "a"\nstarts_from = "b"', "starts_from: .*not permitted"),
        (
            'kind = "joint"\nname = "a"\n[network]\narchitecture = "zhou"',
            r"network\.architecture: .*'residual'",
        ),
        ("name = ", "not valid TOML"),
        ("just text", "not valid TOML"),
    ],
)
def test_bad_recipes_give_one_clear_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"recipe here: {message}") as raised:
        parse_recipe(text, "here")
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 200


def test_a_recipe_of_an_earlier_version_means_the_same() -> None:
    """Until `[fit]` was there for both kinds, how all layers learn stood under `[fine]`."""
    text = 'name = "a"\n[fine]\nepochs = 3\nteacher = "mien"\n'
    recipe = parse_recipe(text, "here")
    assert recipe == parse_recipe(text.replace("[fine]", "[fit]"), "here")
    assert (recipe.fit.epochs, recipe.fit.patience) == (3, 5)


def test_a_recipe_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"no recipe .*none\.toml: expected a file, or one of edges, fer2013, happy-video,"
    ):
        read_recipe(str(tmp_path / "none.toml"))
    with pytest.raises(ConfigError, match="expected a file"):
        read_recipe(str(tmp_path))


def test_a_recipe_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "picture.toml"
    path.write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(ConfigError, match="not a readable text file"):
        read_recipe(str(path))


def test_choices_replaced_for_one_run() -> None:
    paper = read_recipe("paper")
    assert change_recipe(paper) == paper
    changed = change_recipe(paper, split="random", remove=["anger"], epochs=3, seed=0)
    assert (changed.data.split, changed.data.remove) == ("random", ("anger",))
    assert (changed.fit.epochs, changed.seed) == (3, 0)
    assert changed.network == paper.network


def test_a_replaced_choice_is_checked_as_well() -> None:
    with pytest.raises(ConfigError, match=r"recipe paper: fit\.epochs: .*received 0"):
        change_recipe(read_recipe("paper"), epochs=0)
    with pytest.raises(ConfigError, match=r"recipe paper: data\.split"):
        change_recipe(read_recipe("paper"), split="mine")


def test_a_joint_recipe_changes_and_complains_as_others_do() -> None:
    changed = change_recipe(read_recipe("mien-large"), epochs=3, seed=5)
    assert isinstance(changed, JointRecipe)
    assert (changed.fit.epochs, changed.seed) == (3, 5)
    with pytest.raises(ConfigError, match=r"recipe here: fit\.epoch: .*not permitted, received 3"):
        parse_recipe('kind = "joint"\nname = "a"\n[fit]\nepoch = 3', "here")
    with pytest.raises(ConfigError, match="recipe here: kind"):
        parse_recipe('kind = "other"\nname = "a"', "here")


def test_a_network_is_of_its_architectures_kind_and_comes_back_from_a_runs_folder() -> None:
    text = 'name = "a"\n[network]\narchitecture = "edges"\nedges = "input"'
    recipe = parse_recipe(text, "here")
    assert isinstance(recipe, LabelRecipe)
    assert isinstance(recipe.network, Edges)
    assert recipe.network.edges == "input"
    assert parse_config(json.loads(recipe.model_dump_json()), "run") == recipe
    assert change_recipe(recipe, seed=3).network == recipe.network


def test_mobilenet_is_meant_where_no_architecture_stands() -> None:
    recipe = parse_recipe('name = "a"\n[network]\nlast_block = 3', "here")
    assert recipe.network == MobileNet(last_block=3)


def test_an_onnx_file_is_a_network_and_anything_else_a_recipe() -> None:
    text = (
        'kind = "joint"\nname = "a"\nstarts_from = "mien.onnx"\ntaught_by = ["mien", "b/c.onnx", "mien.onnx"]'
    )
    joint = parse_recipe(text, "here")
    assert joint.builds_on == ("mien",)
    assert joint.networks == ("mien.onnx", "b/c.onnx")
    labels = parse_recipe('name = "a"\n[network]\nweights = "mien.onnx"', "here")
    assert (labels.builds_on, labels.networks) == ((), ("mien.onnx",))
    assert not labels.network.from_imagenet
    assert parse_recipe('name = "a"\n[network]\narchitecture = "zhou"', "here").networks == ()


def test_what_starts_from_imagenet() -> None:
    networks = {name: network_spec({"architecture": name}, "labels") for name in networks_of("labels")}
    assert {name for name, part in networks.items() if part.from_imagenet} == {"mobilenet"}
    scep = parse_recipe('name = "a"\n[network]\narchitecture = "scep"\nbackbone = "mobilenet"', "here")
    assert isinstance(scep, LabelRecipe)
    assert scep.network.from_imagenet
