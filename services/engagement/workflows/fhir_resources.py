"""FHIR R4's resources as far as this service writes them.

Source: HL7 FHIR R4 (4.0.1), https://hl7.org/fhir/R4/
"""

from datetime import date, datetime

import msgspec


class Fhir(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    """A part of a resource. What is not known is left out: FHIR has neither null nor empty lists."""


class Coding(Fhir, frozen=True, kw_only=True):
    """A code of a system."""

    system: str
    code: str
    display: str | None = None


class Concept(Fhir, frozen=True, kw_only=True):
    """A `CodeableConcept`."""

    coding: tuple[Coding, ...] = ()
    text: str | None = None


class Identifier(Fhir, frozen=True, kw_only=True):
    """A name within a system of names."""

    system: str
    value: str


class Reference(Fhir, frozen=True, kw_only=True):
    """What a resource is about: one to be read here, or somebody known by an identifier only."""

    type: str
    reference: str | None = None
    identifier: Identifier | None = None


class Period(Fhir, frozen=True, kw_only=True):
    """A span of time."""

    start: datetime | date | None = None
    end: datetime | date | None = None


class Meta(Fhir, frozen=True, kw_only=True):
    """When a resource changed last, and whether its time is simulated (`HTEST`)."""

    last_updated: datetime | None = None
    tag: tuple[Coding, ...] = ()


class Restriction(Fhir, frozen=True, kw_only=True):
    """When a task is to be carried out."""

    period: Period


class Payload(Fhir, frozen=True, kw_only=True):
    """What is to be said."""

    content_string: str


class Resource(Fhir, frozen=True, kw_only=True, tag_field="resourceType"):
    """A resource by its id."""

    id: str
    meta: Meta
    identifier: tuple[Identifier, ...]


class Task(Resource, frozen=True, kw_only=True, tag="Task"):
    """Something that a health worker, an adviser or staff is asked to do."""

    status: str
    business_status: Concept
    intent: str = msgspec.field(default_factory=lambda: "proposal")  # a plain default would be left out
    status_reason: Concept | None = None
    code: Concept
    description: str | None = None
    focus: Reference | None = None
    for_: Reference = msgspec.field(name="for")
    authored_on: datetime
    last_modified: datetime
    execution_period: Period | None = None
    performer_type: tuple[Concept, ...] = ()
    restriction: Restriction


class CommunicationRequest(Resource, frozen=True, kw_only=True, tag="CommunicationRequest"):
    """Something that is to be said."""

    status: str
    status_reason: Concept | None = None
    category: tuple[Concept, ...]
    subject: Reference
    about: tuple[Reference, ...] = ()
    payload: tuple[Payload, ...] = ()
    occurrence_period: Period
    authored_on: datetime
    recipient: tuple[Reference, ...] = ()


class Characteristic(Fhir, frozen=True, kw_only=True):
    """Something that holds for a group."""

    code: Concept
    value_codeable_concept: Concept
    exclude: bool


class GroupMember(Fhir, frozen=True, kw_only=True):
    """Who sits in a group, and since when."""

    entity: Reference
    period: Period


class Group(Resource, frozen=True, kw_only=True, tag="Group"):
    """A peer group and who sits in it today."""

    active: bool
    type: str
    actual: bool
    quantity: int
    managing_entity: Reference
    characteristic: tuple[Characteristic, ...]
    member: tuple[GroupMember, ...] = ()
