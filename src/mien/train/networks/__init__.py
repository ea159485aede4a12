"""Networks that can be trained: one architecture a file, with what a recipe may choose and how it is built.

To add one, write its file and name its class in `NETWORKS`; nothing else has to know it.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import InitErrorDetails

from mien.train.networks.edges import Edges
from mien.train.networks.happy_video import HappyVideo
from mien.train.networks.mobilenet import JointMobileNet, MobileNet
from mien.train.networks.residual import Residual
from mien.train.networks.scep import Scep
from mien.train.networks.shcnn import Shcnn
from mien.train.networks.spec import ClipSpec, JointSpec, Kind, LabelSpec, NetworkSpec
from mien.train.networks.zhou import Zhou

NETWORKS: Final[tuple[type[NetworkSpec], ...]] = (
    MobileNet, Zhou, Shcnn, Edges, Scep, JointMobileNet, Residual, HappyVideo,
)  # fmt: skip
"""All networks that a recipe can ask for by name; for a clip's sentiment there is one alone."""

_UNNAMED: Final[dict[Kind, str]] = {"labels": "mobilenet", "joint": "residual", "clips": "happy-video"}
"""The network that is meant where a recipe does not say."""


def networks_of(kind: Kind) -> dict[str, type[NetworkSpec]]:
    """Return the networks of one kind of recipe, by the name of their architecture."""
    return {spec.model_fields["architecture"].default: spec for spec in NETWORKS if spec.kind == kind}


def network_spec(fields: Any, kind: Kind) -> Any:
    """Check a recipe's choice of a network.

    Args:
        fields: values by name, `architecture` among them; or a network, which is returned as it is.
        kind: of the recipe.

    Raises:
        ValidationError: there is no such architecture, or a value is out of range.
    """
    if isinstance(fields, {"labels": LabelSpec, "joint": JointSpec, "clips": ClipSpec}[kind]):
        return fields
    there = networks_of(kind)
    name = fields.get("architecture", _UNNAMED[kind]) if isinstance(fields, dict) else _UNNAMED[kind]
    if name not in there:
        expected = ", ".join(f"'{each}'" for each in there)
        wrong = InitErrorDetails(
            type="literal_error", loc=("architecture",), input=name, ctx={"expected": expected}
        )
        raise ValidationError.from_exception_data("network", [wrong])
    return there[name].model_validate(fields)
