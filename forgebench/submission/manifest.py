"""`submission.json`: who predicted what, with which supervision."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

MANIFEST = "submission.json"
Supervision = Literal["image", "box", "scribble", "pixel", "zero-shot"]
Output = Literal["score", "synthetic", "mask", "boxes", "explanation"]

CONTROL = r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=rf"^[^{CONTROL}<>]*$")]
"""One line of text without markup or control characters, also those that turn the direction of writing."""
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Link = Annotated[str, StringConstraints(max_length=500, pattern=r"^https?://[^\s<>\"']+$")]


def _with_score(outputs: list[Output]) -> list[Output]:
    if "score" not in outputs or len(set(outputs)) != len(outputs):
        raise ValueError('name "score", and each of "synthetic", "mask", "boxes" and "explanation" that there is, once')
    return outputs


class TrainingData(BaseModel):
    """A data set that the method was trained on."""

    model_config = ConfigDict(extra="forbid")

    name: Line
    """The benchmark's name."""
    content_hash: Sha256 | None = None
    """Its content hash, where it was built with ForgeBench."""


class SubmissionManifest(BaseModel):
    """All of it."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    schema_version: Literal[1] = 1
    benchmark: Line
    """The benchmark's name."""
    content_hash: Sha256
    """The benchmark's content hash: a submission for another one is refused."""
    split: Line
    """The split that was predicted."""
    method: Line
    """The method's name."""
    version: Line = "1"
    """The method's version."""
    authors: list[Line] = Field(default_factory=list, max_length=100)
    supervision: Supervision
    """The strongest annotation used in training; `zero-shot` for none."""
    outputs: Annotated[
        list[Output],
        AfterValidator(_with_score),
        Field(json_schema_extra={"contains": {"const": "score"}, "uniqueItems": True}),
    ] = ["score", "mask"]
    """What is predicted; what is not named is not read, and not scored."""
    training_data: list[TrainingData] = Field(default_factory=list, max_length=100)
    external_data: list[Line] = Field(default_factory=list, max_length=100)
    """Other data used."""
    pretrained_weights: list[Line] = Field(default_factory=list, max_length=100)
    seconds_per_image: Annotated[float, Field(ge=0)] | None = None
    hardware: Line | None = None
    paper: Link | None = None
    code: Link | None = None


def json_schema() -> dict[str, Any]:
    """The JSON Schema of `submission.json`."""
    schema = SubmissionManifest.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
