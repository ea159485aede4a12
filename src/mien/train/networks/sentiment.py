"""Sentiment of a clip by attention in time, over SCEP's attention in each picture; after VAANet.

    Zhao, S., Ma, Y., Gu, Y., Yang, J., Xing, T., Xu, P., Hu, R., Chai, H., & Keutzer, K. (2020). An
    end-to-end visual-audio attention network for emotion recognition in user-generated videos. AAAI 34(1),
    303-311. https://doi.org/10.1609/aaai.v34i01.5364

each picture (`face`, `scene`): SCEP's small VGG with attention over channels and places (`scep.py`), mean
                                over the last map, dense, tanh                             -> features
each second:  mean over its pictures, or what the expression network says (`expression`)   -> x_t
              z_t = tanh(W [x_t, x_t - mean of x])                                            32
              s_t = exp(u z_t)                                                                1
clip:         p = (sum of s_t z_t + e mean of z) / (sum of s_t + e)                         32
              logits = V p, valence and arousal = tanh(A p); the same of each z_t is the course

From the paper: segments; attention over places, channels and then time, by one map each; one weighted sum;
the polarity-consistent loss, by which an error across polarities counts (1 + `opposite`) times.

Chosen by us: the paper's weights of time go through a dense layer over a fixed number of segments, which ties
it to one length and to an order; here each second has its score by itself and against the clip's mean, so
that clips of any length have one formula, in which the order plays no part. Scores are positive and
normalised with the clip's mean as one more second, so a clip in which nothing happens is answered by its
mean. No sound, as faces are what is at hand. The small VGG in place of a 3-D ResNet-101.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from mien.train.backend import data_format, load_keras
from mien.train.networks.scep import Scep, attend, vgg
from mien.train.networks.spec import begin
from mien.train.section import Section

ATTENTION: Final = "attention_in_time"
"""Name of the layer that looks at all seconds."""

Pool = Literal["attention", "mean", "max"]


class Sentiment(Section):
    """What a recipe may choose.

    Attributes:
        architecture: its name.
        pool: how seconds become one: the attention; `mean` and `max` are what it is compared with.
        units: width of z.
        even: e, the weight of the clip's mean beside the attention.
        dropout: share of z that is dropped before the answers.
        width: of SCEP's first stage, for pictures.
        features: that SCEP says of a picture.
    """

    architecture: Literal["sentiment"] = "sentiment"
    pool: Pool = "attention"
    units: int = Field(32, ge=2)
    even: float = Field(0.5, gt=0)
    dropout: float = Field(0.1, ge=0, lt=1)
    width: int = Field(16, ge=4)
    features: int = Field(32, ge=2)

    def encoder(self, size_px: int, layout: str | None = None) -> Any:
        """Build what looks at one picture: float (n, size, size, 1) in 0..255 to `features` (n, features)."""
        keras = load_keras()
        layout = layout or data_format()
        image, x = begin(size_px, layout)
        spec = Scep()
        x = vgg(
            x, self.width, layout=layout,
            at_stage_end=lambda maps, name: attend(maps, spec, layout=layout, name=name),
        )  # fmt: skip
        mean = keras.layers.GlobalAveragePooling2D(data_format=layout, name="map_mean")(x)
        answer = keras.layers.Dense(self.features, activation="tanh", name="features")(mean)
        return keras.Model(image, answer, name="scep_of_a_picture")

    def build(self, *, classes: int, features: int = 0, size_px: int = 0) -> Any:
        """Build the network, with weights from chance.

        Args:
            classes: the categories.
            features: numbers of each second, where it takes what the expression network says.
            size_px: side of the pictures, where it takes these.

        Returns:
            A functional `keras.Model` to `logits` (n, classes), `affect` (n, 2), `attention` (n, t),
            `second_logits` and `second_affect`, from `there` (n, t), 1 where a second was read, and from
            `seconds` (n, t, features), or from `image` (n, t, k, size, size) in 0..255 and `shown`
            (n, t, k), 1 where there is a picture.
        """
        keras = load_keras()
        there = keras.Input((None,), name="there")
        if size_px:
            image = keras.Input((None, None, size_px, size_px), name="image")
            shown = keras.Input((None, None), name="shown")
            of_pictures = _of_pictures(self.encoder(size_px), self.features)
            inputs, seconds = [image, shown, there], of_pictures(image, shown)
        else:
            seconds = keras.Input((None, features), name="seconds")
            inputs = [seconds, there]
        answers = _attention_in_time(self, classes, features or self.features)(seconds, there)
        return keras.Model(inputs, answers, name="sentiment")


class SentimentFit(Section):
    """How it learns.

    Attributes:
        epochs: how many; the weights of the best on validation are kept.
        minutes: after which it ends; None leaves it to `epochs`.
        batch: clips a step.
        learning_rate: the highest; it rises over the first tenth and falls along a cosine to 0.
        weight_decay: of AdamW.
        opposite: how much more an error across polarities counts.
        affect_weight: of valence and arousal against the category.
    """

    epochs: int = Field(40, ge=1)
    minutes: float | None = Field(None, gt=0)
    batch: int = Field(64, ge=2)
    learning_rate: float = Field(6e-3, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    opposite: float = Field(0.5, ge=0)
    affect_weight: float = Field(0.3, ge=0)


def _of_pictures(encoder: Any, features: int) -> Any:
    keras = load_keras()
    ops = keras.ops

    class OfPictures(keras.layers.Layer):  # type: ignore[misc, name-defined]
        """Each second's mean of its pictures' features."""

        def __init__(self) -> None:
            super().__init__(name="of_pictures")
            self.encoder = encoder

        def call(self, image: Any, shown: Any, training: bool | None = None) -> Any:
            clips, seconds, pictures, side = ops.shape(image)[:4]
            flat = self.encoder(ops.reshape(image, (-1, side, side, 1)), training=training)
            said = ops.reshape(flat, (clips, seconds, pictures, features))
            weight = shown[..., None]
            return ops.sum(said * weight, axis=2) / ops.maximum(ops.sum(weight, axis=2), 1.0)

        def compute_output_spec(self, image: Any, shown: Any, training: bool | None = None) -> Any:
            return keras.KerasTensor((*image.shape[:2], features), dtype=self.compute_dtype)

    return OfPictures()


def _attention_in_time(spec: Sentiment, classes: int, features: int) -> Any:
    keras = load_keras()
    ops, units = keras.ops, spec.units

    class AttentionInTime(keras.layers.Layer):  # type: ignore[misc, name-defined]
        """From seconds to the answers for the clip; see the top of the file."""

        def __init__(self) -> None:
            super().__init__(name=ATTENTION)
            self.chance = keras.random.SeedGenerator(1)

        def build(self, *_: Any) -> None:
            add, zeros = self.add_weight, "zeros"
            self.middle = add((features,), name="middle", initializer=zeros, trainable=False)
            self.spread = add((features,), name="spread", initializer="ones", trainable=False)
            self.kernel = add((2 * features, units), name="kernel")
            self.bias = add((units,), name="bias", initializer=zeros)
            self.score = add((units, 1), name="score")
            self.logits = add((units, classes), name="logits")
            self.logits_bias = add((classes,), name="logits_bias", initializer=zeros)
            self.affect = add((units, 2), name="affect")
            self.affect_bias = add((2,), name="affect_bias", initializer=zeros)

        def call(self, seconds: Any, there: Any, training: bool | None = None) -> Any:
            weight = there[..., None]
            count = ops.maximum(ops.sum(weight, axis=1, keepdims=True), 1.0)
            x = (seconds - self.middle) / self.spread
            usual = ops.sum(x * weight, axis=1, keepdims=True) / count
            z = ops.tanh(ops.concatenate([x, x - usual], axis=-1) @ self.kernel + self.bias)
            even = weight / count
            if spec.pool == "max":
                share, pooled = even, ops.max(z - 9.0 * (1 - weight), axis=1)
            else:
                share = even
                if spec.pool == "attention":
                    score = ops.exp(SHARPNESS * (z @ self.score)) * weight
                    share = (score + spec.even * even) / (ops.sum(score, axis=1, keepdims=True) + spec.even)
                pooled = ops.sum(share * z, axis=1)
            if training:
                pooled = keras.random.dropout(pooled, spec.dropout, seed=self.chance)
            return {
                "logits": pooled @ self.logits + self.logits_bias,
                "affect": ops.tanh(pooled @ self.affect + self.affect_bias),
                "attention": share[..., 0],
                "second_logits": z @ self.logits + self.logits_bias,
                "second_affect": ops.tanh(z @ self.affect + self.affect_bias),
            }

        def compute_output_spec(self, seconds: Any, there: Any, training: bool | None = None) -> Any:
            clips, length = seconds.shape[:2]
            shapes = {
                "logits": (clips, classes), "affect": (clips, 2), "attention": (clips, length),
                "second_logits": (clips, length, classes), "second_affect": (clips, length, 2),
            }  # fmt: skip
            return {
                name: keras.KerasTensor(shape, dtype=self.compute_dtype) for name, shape in shapes.items()
            }

    return AttentionInTime()


SHARPNESS: Final = 4.0
"""The scores' factor before the exponential: with small weights, too, some seconds can count far more."""


def standardise(model: Any, seconds: NDArray[np.float32]) -> None:
    """Set middle and spread of what seconds say, (n, features), from those that are learnt from."""
    layer = model.get_layer(ATTENTION)
    layer.middle.assign(seconds.mean(axis=0))
    layer.spread.assign(np.maximum(seconds.std(axis=0), 1e-3))


def polarity_consistent_loss(signs: NDArray[np.float32], opposite: float) -> Any:
    """Return VAANet's loss: cross-entropy, which counts (1 + opposite) times across polarities.

    Args:
        signs: (classes,) -1, 0 or 1: the labels' polarities. Neutral is opposite to nothing.
        opposite: lambda of the paper.

    Returns:
        A function of Keras's: targets (n, classes), one of each row 1, and logits (n, classes), to (n,).
    """
    ops = load_keras().ops

    def loss(target: Any, logits: Any) -> Any:
        entropy = ops.categorical_crossentropy(target, logits, from_logits=True)
        target, sign = ops.convert_to_tensor(target), ops.convert_to_tensor(signs)
        said = ops.take(sign, ops.argmax(logits, axis=-1))
        return entropy * (1 + opposite * ops.cast(said * ops.sum(target * sign, axis=-1) < 0, entropy.dtype))

    return loss


def affect_loss(target: Any, answer: Any) -> Any:
    """Compute 1 - CCC of valence and of arousal over a batch, SCEP's loss; of the clips that have them.

    Lin's concordance correlation coefficient. NaN is not known; with fewer than two known, the loss is 0.
    """
    ops = load_keras().ops
    target, answer = ops.convert_to_tensor(target), ops.convert_to_tensor(answer)
    known = ops.cast(ops.logical_not(ops.isnan(target)), answer.dtype)
    target = ops.where(ops.isnan(target), ops.zeros_like(target), target)
    count = ops.sum(known, axis=0)
    total = ops.maximum(count, 1.0)
    target_mean, answer_mean = (
        ops.sum(target * known, axis=0) / total,
        ops.sum(answer * known, axis=0) / total,
    )
    target_off, answer_off = (target - target_mean) * known, (answer - answer_mean) * known
    both = ops.sum(target_off * answer_off, axis=0)
    spread = ops.sum(target_off**2 + answer_off**2, axis=0)
    ccc = 2 * both / (spread + total * (target_mean - answer_mean) ** 2 + 1e-6)
    return ops.mean(ops.where(count > 1, 1 - ccc, ops.zeros_like(ccc)))
