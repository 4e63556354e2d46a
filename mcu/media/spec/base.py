"""What all models of the desired state are."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Model(BaseModel):
    """Frozen and strict about names: a field that one side does not know is an error, not a silence.

    Infinities and NaN survive the trip: a measured value that went wrong must not cost the link.
    """

    # An error must not show the keys of a leg, so none shows what it was given.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants", hide_input_in_errors=True)


class Address(Model):
    """An IP address (never a host name) and a UDP port."""

    host: str
    port: Annotated[int, Field(ge=0, le=65535)]
