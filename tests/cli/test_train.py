"""train, evaluate, export and dataset: from a folder of faces to a network that reads a photograph."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image

from cli.helpers import Run
from mien.errors import ModelError
from mien.expression.network import load_network
from mien.train.clips import sentiment_run
from mien.train.clips.sentiment_run import SentimentRun
from mien.train.data import load_dataset
from mien.train.evaluate.answers import predict
from mien.train.evaluate.evaluation import evaluate
from mien.train.evaluate.outputs import match_labels
from needs import package
from small_joint import striped_faces, write_fer2013

package("keras")

RECIPE = """
name = "tiny"
seed = 3
[data]
size_px = 24
split = "grouped"
[network]
last_block = 1
stem_stride = 2
dense = 8
weights = "random"
[head]
epochs = 1
[fine]
epochs = 2
batch = 16
learning_rate = 0.02
average = 0.5
[augment]
rotation_deg = 5
"""


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """Stripes along the rows are happy, stripes along the columns neutral; noise makes each image its own."""
    random = np.random.default_rng(0)
    wave = np.where(np.arange(24) // 3 % 2, 200.0, 50.0)
    for label, image in {"Happy": np.tile(wave[:, None], 24), "neutral": np.tile(wave, (24, 1))}.items():
        (tmp_path / "faces" / label).mkdir(parents=True)
        for number in range(60):
            noisy = np.clip(image + random.normal(0, 80, (24, 24)), 0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(tmp_path / "faces" / label / f"{number}.png")
    return tmp_path / "faces"


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE)
    return path


@pytest.mark.main_path
def test_a_run_ends_with_a_network_that_evaluates_as_its_report_says(
    run: Run, faces: Path, recipe: Path, photos: Path
) -> None:
    trained = run("train", faces, "--recipe", recipe, "--out", "runs/a", "--json")
    assert trained.code == 0
    assert "epoch 2/2" in trained.err
    figures = json.loads(trained.out)
    left = {path.name for path in Path("runs/a").iterdir()}
    assert left >= {
        "tiny.onnx", "tiny.json", "tiny.keras", "MODEL_CARD.md", "metrics.json", "classes.csv", "log.csv",
        "tensorboard", "learning.png", "confusion.png", "reliability.png", "risk_coverage.png",
        "confused.png", "config.json", "versions.json", "checkpoint.npz", "best.npz",
    }  # fmt: skip

    measured = run("evaluate", "runs/a/tiny.onnx", faces, "--recipe", recipe, "--split", "test", "--json")
    again = json.loads(measured.out)
    assert again["accuracy"] == figures["test"]["accuracy"]
    assert again["confusion"] == figures["test"]["confusion"]
    assert again["count"] == 30

    assert run("train", faces, "--recipe", recipe, "--out", "runs/a").code == 0, (
        "a finished run is finished again"
    )
    assert run("analyze", photos, "--network", "runs/a/tiny.onnx").code == 0


def test_export_writes_the_same_answers_with_other_bits(run: Run, faces: Path, recipe: Path) -> None:
    run("train", faces, "--recipe", recipe, "--out", "runs/a")
    assert run("models", "export", "runs/a", "--out", "mine.onnx", "--precision", "single").code == 0
    single, half = load_network("mine.onnx"), load_network("runs/a/tiny.onnx")
    images = load_dataset(faces, size_px=24).images[:8]
    np.testing.assert_allclose(single.answer(images).logits, half.answer(images).logits, atol=0.02)
    assert single.sidecar.name == "mine"
    assert Path("mine.md").read_text().startswith("# Model card: mine\n")

    wrong = run("models", "export", "runs/a", "--out", "int8.onnx", "--precision", "int8")
    assert (wrong.code, "--data" in wrong.err) == (2, True)
    tried = run(
        "models", "export", "runs/a", "--out", "int8.onnx", "--precision", "int8", "--data", faces, "--json"
    )
    report = json.loads(tried.out)
    assert Path("int8.onnx").exists() == (report["network"] is not None)
    assert (
        report["accuracy_before"]
        == json.loads(Path("runs/a/metrics.json").read_text())["validation"]["accuracy"]
    )


def test_a_folder_without_a_run_can_not_be_exported(run: Run, tmp_path: Path) -> None:
    failed = run("models", "export", tmp_path, "--out", "mine.onnx")
    assert failed.code == 1
    assert "mien train" in failed.err
    assert failed.err.count("\n") == 1


def test_a_folder_with_another_run_is_refused(run: Run, faces: Path, recipe: Path) -> None:
    run("train", faces, "--recipe", recipe, "--out", "runs/a")
    files = {path: path.read_bytes() for path in Path("runs/a").rglob("*") if path.is_file()}
    other = run("train", faces, "--recipe", recipe, "--out", "runs/a", "--seed", "4")
    assert other.code == 1
    assert "another recipe" in other.err
    assert all(path.read_bytes() == before for path, before in files.items()), "what is there stays as it is"


def test_rubbish_is_one_line(run: Run, faces: Path, recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for arguments, code in (
        (("train", "nowhere.csv"), 1),
        (("train", tmp_path / "empty"), 1),
        (("train", faces, "--recipe", "nothing"), 2),
        (("train", faces, "--split", "official", "--recipe", recipe), 1),
        (("train", faces, "--remove", "joy", "--recipe", recipe), 1),
        (("evaluate", "paper", "nowhere.parquet"), 1),
        (("evaluate", "nowhere.onnx", faces), 1),
        (("evaluate", "paper", faces, "--split", "PublicTest"), 1),
        (("dataset", "inspect", "nowhere"), 1),
        (("dataset", "build", "nowhere.jpg", "--out", "faces"), 1),
    ):
        failed = run(*arguments)
        assert failed.code == code, arguments
        assert failed.err.splitlines()[-1].startswith("mien: error: "), arguments
        assert "Traceback" not in failed.err, arguments


def test_labels_meet_by_their_standard_terms(faces: Path) -> None:
    network = load_network("paper")
    data = load_dataset(faces, size_px=48)
    kept, targets, columns = match_labels(data, network.sidecar.labels)
    assert kept.all()
    assert [network.sidecar.labels[column] for column in columns] == ["happiness", "neutral"]
    logits = predict(network, data.images)
    expected = (logits[:, columns].argmax(axis=1) == targets).mean()
    assert evaluate(network, faces).scores.accuracy == pytest.approx(expected)


def test_flips_average_a_face_with_its_mirror_image(faces: Path) -> None:
    network = load_network("paper")
    data = load_dataset(faces, size_px=48)
    both = (predict(network, data.images) + predict(network, data.images[:, :, ::-1])) / 2
    _, targets, columns = match_labels(data, network.sidecar.labels)
    expected = (both[:, columns].argmax(axis=1) == targets).mean()
    assert evaluate(network, faces, flips=True).scores.accuracy == pytest.approx(expected)


def test_inspect_counts_what_spoils_a_data_set(run: Run, faces: Path) -> None:
    (faces / "Happy" / "copy.png").write_bytes((faces / "Happy" / "1.png").read_bytes())
    (faces / "Happy" / "broken.png").write_bytes(b"nothing")
    Image.new("L", (24, 24), 7).save(faces / "neutral" / "flat.png")
    found = run("dataset", "inspect", faces, "--json", "--sheet", "pairs.png")
    report = json.loads(found.out)
    assert (report["exact_copies"], report["unreadable"], report["constant"]) == (1, 1, 1)
    assert Path("pairs.png").stat().st_size > 1000


def test_what_build_found_can_be_trained_on(run: Run, photos: Path, recipe: Path) -> None:
    built = run("dataset", "build", photos, "--out", "mine", "--size", "48", "--json")
    assert built.code == 0
    assert json.loads(built.out)["faces"] == 3
    assert len(load_dataset(Path("mine"), size_px=48)) >= 1
    again = run("dataset", "build", photos, "--out", "mine")
    assert again.code == 1
    assert "not an empty folder" in again.err


def test_a_network_without_its_sidecar_says_so(tmp_path: Path) -> None:
    lonely = tmp_path / "lonely.onnx"
    lonely.write_bytes(b"x")
    with pytest.raises(ModelError, match="sidecar"):
        load_network(lonely)


def test_votes_are_measured_by_both_rules_and_printed(run: Run, faces: Path, tmp_path: Path) -> None:
    data = load_dataset(faces, size_px=48)
    neutral, happiness = np.eye(10, dtype=int)[:2] * 10
    votes = np.where((data.targets == 0)[:, None], happiness, neutral)
    votes[0] = [3, 3, 3, 1, 0, 0, 0, 0, 0, 0]  # nobody has more than half, but neutral comes first
    table = tmp_path / "voted.parquet"
    pd.DataFrame(
        {
            "image": [cv2.imencode(".png", image)[1].tobytes() for image in data.images],
            "label": [data.labels[target] for target in data.targets],
            "split": ["test" if place % 2 else "train" for place in range(len(data))],
            "votes": list(votes),
        }
    ).to_parquet(table)
    network = load_network("paper")
    found = evaluate(network, table).ferplus
    assert (found["ferplus"]["faces"], found["all"]["faces"]) == (119, 120)
    answers = [network.sidecar.labels[place] for place in predict(network, data.images).argmax(axis=1)]
    voted = ["neutral" if place == 0 or row[0] else "happiness" for place, row in enumerate(votes)]
    assert found["all"]["accuracy"] == pytest.approx(np.mean(np.array(answers) == np.array(voted)))

    printed = run("evaluate", "paper", table, "--split", "PublicTest")
    assert printed.code == 0
    assert printed.out.splitlines()[0] == "faces 60, each picture taken as one face's crop"
    assert "FER+, its rule" in printed.out
    assert "happiness" in printed.out


def test_figures_by_a_column_of_the_data(run: Run, faces: Path) -> None:
    rows = [
        {
            "file": f"{folder}/{number}.png",
            "label": folder,
            "camera": "old" if number < 20 else "new",
            "age": number,
        }
        for folder in ("Happy", "neutral")
        for number in range(60)
    ]
    listing = faces / "labels.csv"
    pd.DataFrame(rows).to_csv(listing, index=False)
    printed = run("evaluate", "paper", listing, "--by", "camera")
    assert printed.code == 0
    assert "p (Holm)" in printed.out
    assert "(few)" in printed.out
    found = json.loads(run("evaluate", "paper", listing, "--by", "camera", "--json").out)
    of_logits = [row for row in found["groups"] if row["figure"] == "right, 2 classes (logits)"]
    by_group = {row["group"]: row for row in of_logits}
    assert {group: row["faces"] for group, row in by_group.items()} == {"new": 80, "old": 40}
    mean = (80 * by_group["new"]["value"] + 40 * by_group["old"]["value"]) / 120
    assert mean == pytest.approx(found["accuracy"])
    ages = json.loads(run("evaluate", "paper", listing, "--by", "age", "--json").out)
    assert len({row["group"] for row in ages["groups"]}) == 4
    wrong = run("evaluate", "paper", listing, "--by", "sex")
    assert (wrong.code, wrong.errors) == (1, ["no column named sex in the data; it has camera, age"])


class TestPhotographs:
    """Whole photographs of people, by command."""

    @pytest.fixture
    def people(self, tmp_path: Path, small_portrait: NDArray[np.uint8]) -> Path:
        folder = tmp_path / "people"
        for name in ("neutral/1.png", "smiling/1.png", "smiling/2.png"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(small_portrait).save(folder / name)
        Image.new("RGB", (256, 300)).save(folder / "neutral" / "2.png")
        (folder / "people.csv").write_text("id,sex\n1,female\n2,male\n")
        return folder

    def test_what_was_found_is_said_and_goes_into_a_card(self, run: Run, people: Path) -> None:
        Path("card.md").write_text("# Card\n\n## Meant for\n\nall\n")
        printed = run("evaluate", "mien", people, "--by", "sex", "--card", "card.md")
        assert printed.code == 0, printed.err
        first = "photographs 4, in which Mien looked for faces: none found in 1, several in 0"
        assert printed.out.splitlines()[0] == first
        card = Path("card.md").read_text()
        assert "    mien evaluate mien people --by sex" in card
        assert "| sex: female | 1 |" in card
        assert "With `--prior balanced`" in card
        found = json.loads(run("evaluate", "mien", people, "--json").out)
        assert found["photographs"] == {"count": 4, "without_face": 1, "with_several": 0}

    def test_wrong_use_is_one_line(self, run: Run, people: Path, faces: Path) -> None:
        table = faces / "labels.csv"
        table.write_text("file,label\nHappy/1.png,happy\nneutral/1.png,neutral\n")
        for arguments, code, told in (
            ((people, "--person", "who"), 1, "no column named who in the data; it has id, sex"),
            ((people, "--by", "sex", "--card", "gone.md"), 2, "gone.md: No such file"),
            ((people, "--card", "gone.md"), 1, "name their columns with --by"),
            ((people, "--readme"), 2, "--readme also needs photographs of people"),
            ((table, "--people", people, "--readme"), 1, "needs faces with FER+ votes and landmarks"),
            ((people, "--faces", "guess"), 2, "guess"),
        ):
            ran = run("evaluate", "mien", *arguments)
            assert (ran.code, len(ran.errors)) == (code, 1), ran.err
            assert told in ran.errors[0]


JOINT_RECIPE = """
kind = "joint"
name = "small"
seed = 2
[data]
size_px = 24
near_copy = 1.0
[network]
architecture = "residual"
widths = [4, 6]
blocks = [1]
[network.heads]
landmark_channels = 3
[fit]
epochs = 2
batch = 32
precision = "float32"
"""


@pytest.fixture
def fer2013(tmp_path: Path) -> Path:
    (tmp_path / "small.toml").write_text(JOINT_RECIPE)
    return write_fer2013(tmp_path)


def test_joint_training_from_data_to_a_network_that_reads_photographs(
    run: Run, fer2013: Path, photos: Path
) -> None:
    pytest.importorskip("skimage")
    recipe, landmarks = fer2013.with_name("small.toml"), fer2013.with_name("landmarks.npz")
    trained = run("train", fer2013, "--recipe", recipe, "--landmarks", landmarks, "--out", "runs/a", "--json")
    assert trained.code == 0, trained.err
    assert "epoch 2/2" in trained.err
    left = {path.name for path in Path("runs/a").iterdir()}
    assert left >= {
        "small.onnx", "small.json", "small.keras", "MODEL_CARD.md", "metrics.json", "classes.csv", "log.csv",
        "learning.png", "confusion.png", "confusion_votes.png", "reliability_votes.png", "weak_places.png",
        "reliability_fer2013.png", "risk_coverage.png", "config.json", "versions.json", "checkpoint.npz",
    }  # fmt: skip
    card = Path("runs/a/MODEL_CARD.md").read_text()
    for told in ("rights in FER-2013", "age, sex or skin colour", "eyes covered", "head turned", "certain"):
        assert told in card

    command = ("evaluate", "runs/a/small.onnx", fer2013, "--recipe", recipe, "--landmarks", landmarks)
    again = json.loads(run(*command, "--split", "test", "--json").out)
    assert again["figures"] == json.loads(trained.out)["test"]["figures"]
    assert again["count"] == 42
    network = load_network("runs/a/small.onnx")
    values = {figure["name"]: figure["value"] for figure in again["figures"] if figure["value"] is not None}
    metrics = network.sidecar.metrics["test"]
    assert {name: metrics[name] for name in values} == pytest.approx(values)
    assert all(name.startswith("recall of ") for name in metrics.keys() - values.keys())
    assert network.sidecar.finds_landmarks
    anew = run("models", "calibrate", "runs/a/small.onnx", *command[2:])
    assert anew.code == 0, anew.err
    assert load_network("runs/a/small.onnx").sidecar == network.sidecar, (
        "the same faces give the same sidecar"
    )
    assert [data.name for data in network.sidecar.data] == ["fer2013.parquet", "landmarks.npz"]
    assert run("analyze", photos, "--network", "runs/a/small.onnx").code == 0

    assert run("models", "export", "runs/a", "--out", "mine.onnx").code == 0
    assert Path("mine.onnx").read_bytes() == Path("runs/a/small.onnx").read_bytes()
    assert Path("mine.md").read_text().startswith("# Model card: mine\n")
    assert run("models", "export", "runs/a", "--out", "single.onnx", "--precision", "single").code == 0
    crops = striped_faces(5).images
    one, other = (load_network(name).answer(crops) for name in ("single.onnx", "mine.onnx"))
    np.testing.assert_allclose(one.landmarks, other.landmarks, atol=0.01)  # type: ignore[arg-type]
    assert run("models", "export", "runs/a", "--out", "int8.onnx", "--precision", "int8").code == 2


def test_a_recipe_trains_first_what_it_stands_on(
    run: Run, fer2013: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of four runs, most of the time would go into pictures that nobody looks at here.
    monkeypatch.setattr("mien.train.report.run_report._write_pictures", lambda *_, **__: None)
    small = fer2013.with_name("small.toml")
    fields = tomllib.loads(small.read_text())
    for name, more in {
        "first": {"seed": 5},
        "tutor": {},
        "pupil": {"starts_from": "first.toml", "taught_by": ["first.toml", "tutor.toml"]},
    }.items():
        text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in more.items())
        rest = small.read_text().replace('name = "small"', f'name = "{name}"')
        if "seed" in more:
            rest = rest.replace(f"seed = {fields['seed']}\n", "")
        Path(f"{name}.toml").write_text(text + rest)
    command = ("train", fer2013, "--recipe", "pupil.toml", "--epochs", "1", "--out", "made/pupil")
    trained = run(*command)
    assert trained.code == 0, trained.err
    pupil = load_network("made/pupil/pupil.onnx").sidecar
    assert "landmarks" not in pupil.outputs, "nobody gave landmarks"
    teachers = [load_network(f"made/{name}/{name}.onnx").sidecar.sha256 for name in ("first", "tutor")]
    assert [fact.sha256 for fact in pupil.data[-2:]] == teachers
    assert json.loads(Path("made/first/config.json").read_text())["seed"] == fields["seed"], "one validation"
    assert f"first weights: {Path('made/first/first.keras')}" in trained.err

    again = run(*command)
    assert (again.code, "recipe first" in again.err) == (0, False), "what is finished is not made again"
    Path("made/tutor/tutor.keras").unlink()
    assert "recipe tutor" in run(*command).err

    text = Path("first.toml").read_text()
    Path("first.toml").write_text('starts_from = "pupil.toml"\n' + text)
    circle = run("train", fer2013, "--recipe", "first.toml", "--out", "circle/first")
    assert (circle.code, "builds on itself" in circle.err) == (2, True)
    Path("first.toml").write_text('starts_from = "paper"\n' + text)
    other = run("train", fer2013, "--recipe", "first.toml", "--out", "circle/first")
    assert (other.code, "build only on joint recipes" in other.err) == (2, True)


def test_a_recipe_goes_on_from_an_onnx_file(
    run: Run, fer2013: Path, faces: Path, recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mien.train.report.run_report._write_pictures", lambda *_, **__: None)
    network = 'architecture = "mobilenet"\nlast_block = 1\nstem_stride = 2\nweights = "random"\n'
    text = JOINT_RECIPE.replace('architecture = "residual"\nwidths = [4, 6]\nblocks = [1]\n', network)
    Path("first.toml").write_text(text)
    command = ("train", fer2013, "--landmarks", fer2013.with_name("landmarks.npz"), "--epochs", "1")
    assert run(*command, "--recipe", "first.toml", "--out", "first").code == 0
    first = load_network("first/small.onnx").sidecar.sha256

    named = 'starts_from = "first/small.onnx"\ntaught_by = ["first/small.onnx"]\n'
    Path("second.toml").write_text(
        named + text.replace("stem_stride = 2", "stem_stride = 2\nenlarged_px = 48")
    )
    again = run(*command, "--recipe", "second.toml", "--out", "second")
    assert again.code == 0, again.err
    assert f"first weights: {Path('first/small.onnx')}" in again.err
    facts = load_network("second/small.onnx").sidecar.data[2:]
    assert [fact.name for fact in facts] == [
        "weights of small (where training began)",
        "answers of small (teacher)",
    ]
    assert {fact.sha256 for fact in facts} == {first}

    recipe.write_text(RECIPE.replace('weights = "random"', 'weights = "first/small.onnx"'))
    labels = run("train", faces, "--recipe", recipe, "--out", "third")
    assert labels.code == 0, labels.err
    assert load_network("third/tiny.onnx").sidecar.data[-1].sha256 == first


def test_joint_training_says_what_it_needs(run: Run, faces: Path, fer2013: Path, recipe: Path) -> None:
    joint = fer2013.with_name("small.toml")
    other = run("train", faces, "--recipe", joint, "--split", "grouped")
    assert (other.code, "FER-2013's classes" in other.err) == (1, True)
    pd.read_parquet(fer2013).drop(columns="votes").to_parquet(fer2013.with_name("plain.parquet"))
    plain = run("train", fer2013.with_name("plain.parquet"), "--recipe", joint)
    assert (plain.code, "--votes" in plain.err) == (1, True)
    landmarks = run("train", faces, "--recipe", recipe, "--landmarks", fer2013)
    assert (landmarks.code, "joint recipe" in landmarks.err) == (2, True)


def test_a_network_that_was_taught_says_by_whom(run: Run, fer2013: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "taught.toml"
    text = 'name = "taught"\n[network]\narchitecture = "zhou"\n[fine]\nepochs = 1\nbatch = 32\nteacher = '
    recipe.write_text(f'{text}"mien"\n')
    trained = run("train", fer2013, "--recipe", recipe, "--out", "runs/a")
    assert trained.code == 0, trained.err
    facts = load_network("runs/a/taught.onnx").sidecar.data
    assert [fact.name for fact in facts] == ["fer2013.parquet", "answers of mien (teacher)"]
    assert "answers of mien (teacher)" in Path("runs/a/MODEL_CARD.md").read_text()
    assert Path("runs/a/taught.npz").is_file()
    for name, told in (("nobody", "no such network"), ("paper", "expected a teacher with votes and fer2013")):
        recipe.write_text(f'{text}"{name}"\n')
        refused = run("train", fer2013, "--recipe", recipe, "--out", f"runs/{name}")
        assert (refused.code, told in refused.err) == (1, True)


@pytest.mark.parametrize("architecture", ["zhou", "shcnn", "edges", "scep"])
def test_each_architecture_trains_to_a_network_that_reads_and_is_exported(
    run: Run, fer2013: Path, photos: Path, tmp_path: Path, architecture: str
) -> None:
    recipe = tmp_path / "small.toml"
    text = f'name = "{architecture}"\n[data]\nsize_px = 24\n[network]\narchitecture = "{architecture}"\n'
    recipe.write_text(f"{text}[fine]\nepochs = 1\nbatch = 32\naverage = 0.5\n")
    trained = run("train", fer2013, "--recipe", recipe, "--out", "runs/a", "--json")
    assert trained.code == 0, trained.err
    assert "first weights: random" in trained.err
    assert run("models", "export", "runs/a", "--out", "single.onnx", "--precision", "single").code == 0
    faces = striped_faces(5).images
    for path in (Path(f"runs/a/{architecture}.onnx"), Path("single.onnx")):
        network = load_network(path)
        answers = network.answer(faces)
        assert (answers.affect is not None) == (architecture == "scep")
        maps = network.class_maps(faces)
        assert (maps is not None) == (architecture in ("zhou", "scep"))
        if maps is not None:
            np.testing.assert_allclose(maps.mean(axis=(2, 3)), answers.logits, rtol=1e-3, atol=1e-4)
    metrics = load_network(f"runs/a/{architecture}.onnx").sidecar.metrics
    assert ("ccc_arousal" in metrics["test"]) == (architecture == "scep")
    assert run("analyze", photos, "--network", "single.onnx").code == 0


def test_each_epoch_of_a_network_for_clips_is_a_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def trained(*_: Any, report: Callable[[dict[str, float]], None], **__: Any) -> SentimentRun:
        report({"epoch": 2, "loss": 1.25, "validation_loss": 0.5})
        return SentimentRun(Path("mine.onnx"), {"test": {"accuracy": 0.5, "polarity": 0.75}})

    monkeypatch.setattr(sentiment_run, "train_sentiment", trained)
    ran = run("train", "CLIPS.csv", "--recipe", "video-sentiment")
    assert ran.code == 0, ran.err
    assert ran.err.splitlines() == ["epoch 2: loss 1.250, validation 0.500"]
    assert ran.out.splitlines()[0] == "test       category 50.0%, polarity 75.0% right"
