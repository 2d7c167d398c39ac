"""The base of all settings files: sections as pydantic models, and the types of their values."""

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Tag,
    WrapValidator,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError

T = TypeVar("T")


def refusal(said: str) -> PydanticCustomError:
    """Return an error for a validator to raise. The user reads exactly `said`."""
    return PydanticCustomError("refused", "{said}", {"said": said})


class Section(BaseModel):
    """A mapping in a settings file. It refuses unknown keys, and never converts a value to another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, hide_input_in_errors=True)
    choices: ClassVar[tuple[tuple[str, ...], ...]] = ()  # exactly one of each tuple; "hub files": both keys

    @model_validator(mode="after")
    def _one_of_each_choice(self) -> Self:
        given = self.given()
        for choice in self.choices:
            if sum(given.keys() >= set(keys.split()) for keys in choice) != 1:
                named = " or ".join(" and ".join(keys.split()) for keys in choice)
                raise refusal(f"give either {named}, and only one of them")
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = handler(core_schema)
        rules = [{"oneOf": [{"required": keys.split()} for keys in choice]} for choice in cls.choices]
        handler.resolve_ref_schema(schema).update({"allOf": rules} if rules else {})
        return schema

    def given(self) -> dict[str, Any]:
        """Return the values by their keys in the file, without keys that have neither value nor default."""
        fields = type(self).model_fields
        values = {field.alias or name: getattr(self, name) for name, field in fields.items()}
        return {key: value for key, value in values.items() if value is not None}

    def replaced(self, **changes: Any) -> Self:
        """Return a copy with changed values, checked like the original. None removes a key."""
        changed = {**self.given(), **changes}
        return self.model_validate({key: value for key, value in changed.items() if value is not None})


class _LeftOut:
    """Marks an optional key. Without the key, the attribute is None. A null in the file is refused."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        given: CoreSchema = handler(source)["schema"]
        return given


class Shown:
    """Text that matches a pattern. A refusal shows `said` and hides the value, which may be a secret."""

    def __init__(self, pattern: str, said: str) -> None:
        self._pattern, self._said = pattern, said

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return WrapValidator(self._check).__get_pydantic_core_schema__(source, handler)

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(core_schema), "pattern": f"^{self._pattern}$"}

    def _check(self, value: Any, _: object) -> str:
        if isinstance(value, str) and re.fullmatch(self._pattern, value):
            return value
        raise refusal(self._said)


def _as_written(value: Any, checked: Callable[[Any], float]) -> float:
    """Keep 2 as 2: 2.0 would be another param of a rule and make the rule's output stale."""
    return value if checked(value) == value else checked(value)


def _ordered(bounds: list[int]) -> list[int]:
    if bounds[0] > bounds[1]:
        raise refusal(f"{bounds[0]} is above {bounds[1]}: give the least first, then the most")
    return bounds


def _unlike(names: list[T]) -> list[T]:
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise refusal(f"{twice[0]!r} occurs twice: remove one")
    return names


def _sendable(value: T) -> T:
    """Refuse what JSON does not have, such as a date, which YAML reads from 2024-01-01 without quotes."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise refusal(f"a value cannot be sent as JSON ({error}): put texts in quotes") from error
    return value


Maybe = Annotated[T | None, _LeftOut()]
OrOff = Annotated[
    Annotated[T, Tag("[value]")] | Annotated[Literal[False], Tag("[off]")],
    Discriminator(lambda value: "[off]" if isinstance(value, bool) else "[value]"),
]
OrByName = Annotated[  # one value for all, or values by name
    Annotated[T, Tag("[value]")] | Annotated[dict[str, T], Tag("[mapping]")],
    Discriminator(lambda value: "[mapping]" if isinstance(value, dict) else "[value]"),
]
Amount = Annotated[float, Field(ge=0), WrapValidator(_as_written)]
PositiveNumber = Annotated[float, Field(gt=0), WrapValidator(_as_written)]
Share = Annotated[float, Field(ge=0, le=1), WrapValidator(_as_written)]
ShareBelowOne = Annotated[float, Field(ge=0, lt=1), WrapValidator(_as_written)]
ShareAboveZero = Annotated[float, Field(gt=0, le=1), WrapValidator(_as_written)]
Natural = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Names = Annotated[list[T], AfterValidator(_unlike), Field(json_schema_extra={"uniqueItems": True})]
Parameters = Annotated[dict[str, Any], AfterValidator(_sendable)]  # members of requests
Bounds = Annotated[list[Natural], Field(min_length=2, max_length=2), AfterValidator(_ordered)]
FileName = Annotated[str, Field(min_length=1)]  # "" would be the working directory
NAME = re.compile("[a-z][a-z0-9_]*")
Name = Annotated[str, Field(pattern=f"^{NAME.pattern}$")]
