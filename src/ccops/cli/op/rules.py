"""The options that say what an operation does; `add` and `edit` take them all."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final

import typer

from ccops.cli.options import number
from ccops.operations.model import STATES, AfterRun, Beyond, DecimalSign, Period

_CHANGE: Final = "The change"
_LIMITS: Final = "Limits"
_WHEN: Final = "When, and for whom"
_POSTS: Final = "Started by a POST"
_KIT: Final = "In Kit"
_STATES: Final = f"{', '.join(STATES[:-1])} or {STATES[-1]}"


def _amount(name: str, meaning: str, panel: str = _CHANGE) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        name, metavar="N", parser=number(name), help=meaning, rich_help_panel=panel
    )
    return option


@dataclass(frozen=True, slots=True)
class Rules:
    """What the options say; `Rules()` if nothing was said."""

    description: Annotated[
        str | None,
        typer.Option("--description", metavar="TEXT", help="What it is for, in your words.", rich_help_panel=_CHANGE),
    ] = None
    field: Annotated[
        str | None,
        typer.Option("--field", metavar="FIELD", help="The custom field that it changes.", rich_help_panel=_CHANGE),
    ] = None
    increase: Annotated[Decimal | None, _amount("--increase", "Add to the number in the field.")] = None
    decrease: Annotated[Decimal | None, _amount("--decrease", "Take from the number in the field.")] = None
    set: Annotated[
        str | None,
        typer.Option("--set", metavar="VALUE", help="Put a number or a text there.", rich_help_panel=_CHANGE),
    ] = None
    multiply: Annotated[Decimal | None, _amount("--multiply", "Multiply the number in the field.")] = None
    top_up: Annotated[Decimal | None, _amount("--top-up", "Raise the number to N, if it is below.")] = None
    append: Annotated[
        str | None,
        typer.Option("--append", metavar="TEXT", help="Put a text behind what is there.", rich_help_panel=_CHANGE),
    ] = None
    copy_from: Annotated[
        str | None,
        typer.Option("--copy-from", metavar="FIELD", help="Copy another field's value.", rich_help_panel=_CHANGE),
    ] = None
    add_days: Annotated[Decimal | None, _amount("--add-days", "Move the date in the field; today, if it is empty.")] = (
        None
    )
    stamp: Annotated[bool, typer.Option("--stamp", help="Put the date of the day there.", rich_help_panel=_CHANGE)] = (
        False
    )
    formula: Annotated[
        str | None,
        typer.Option(
            "--formula", metavar="TEXT", help='Compute it, such as "credits * 2 + bonus".', rich_help_panel=_CHANGE
        ),
    ] = None
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--change",
            metavar="TEXT",
            help='One of several changes, as "FIELD ACTION VALUE"; repeatable.',
            rich_help_panel=_CHANGE,
        ),
    ] = None
    minimum: Annotated[Decimal | None, _amount("--minimum", "Never below N.", _LIMITS)] = None
    maximum: Annotated[Decimal | None, _amount("--maximum", "Never above N.", _LIMITS)] = None
    beyond: Annotated[
        Beyond | None,
        typer.Option(
            "--beyond",
            help="If a limit would be passed: refuse (the default), or clamp, that is, stop at the limit.",
            rich_help_panel=_LIMITS,
        ),
    ] = None
    blank: Annotated[Decimal | None, _amount("--blank", "What an empty field counts as; else 0.", _LIMITS)] = None
    decimals: Annotated[
        int | None,
        typer.Option("--decimals", metavar="N", min=0, help="Decimal places of the result.", rich_help_panel=_LIMITS),
    ] = None
    once_per: Annotated[
        Period | None,
        typer.Option("--once-per", help="Count at most once for each contact in this time.", rich_help_panel=_WHEN),
    ] = None
    state: Annotated[
        list[str] | None,
        typer.Option(
            "--state", metavar="STATE", help=f"Only contacts who are {_STATES}; repeatable.", rich_help_panel=_WHEN
        ),
    ] = None
    after_run: Annotated[
        AfterRun | None,
        typer.Option(
            "--after-run", help="Take its own tag off when it has run (the default), or keep it.", rich_help_panel=_WHEN
        ),
    ] = None
    tag_if_applied: Annotated[
        list[str] | None,
        typer.Option(
            "--tag-if-applied", metavar="TAG", help="Add this tag if it was applied; repeatable.", rich_help_panel=_WHEN
        ),
    ] = None
    tag_if_refused: Annotated[
        list[str] | None,
        typer.Option(
            "--tag-if-refused", metavar="TAG", help="Add this tag if it was refused; repeatable.", rich_help_panel=_WHEN
        ),
    ] = None
    amount_from_post: Annotated[
        bool | None,
        typer.Option(
            "--amount-from-post/--own-amount", help="Whether the POST names the amount.", rich_help_panel=_POSTS
        ),
    ] = None
    repeat_window: Annotated[
        str | None,
        typer.Option(
            "--repeat-window",
            metavar="TIME",
            help="The same POST again within this time, such as 10m, counts once.",
            rich_help_panel=_POSTS,
        ),
    ] = None
    post_contact: Annotated[
        str | None,
        typer.Option(
            "--post-contact",
            metavar="PATH",
            help="Where in it the e-mail address is, such as data.email.",
            rich_help_panel=_POSTS,
        ),
    ] = None
    post_occasion: Annotated[
        str | None,
        typer.Option(
            "--post-occasion",
            metavar="PATH",
            help="Where in it the id of the payment or order is, such as data.id.",
            rich_help_panel=_POSTS,
        ),
    ] = None
    post_decimal: Annotated[
        DecimalSign | None,
        typer.Option(
            "--post-decimal",
            metavar="SIGN",
            help='The sign before decimals in its amount: "." or ",".',
            rich_help_panel=_POSTS,
        ),
    ] = None

    @property
    def numbers(self) -> Mapping[str, Decimal | None]:
        """The numbers by which fields move and within which they stay, by their options."""
        return {
            "--increase": self.increase,
            "--decrease": self.decrease,
            "--top-up": self.top_up,
            "--minimum": self.minimum,
            "--maximum": self.maximum,
        }


@dataclass(frozen=True, slots=True)
class InKit:
    """What is to be made in Kit too; `InKit()` if nothing."""

    create_field: Annotated[
        bool, typer.Option("--create-field", help="Make the field, if Kit does not have it.", rich_help_panel=_KIT)
    ] = False
    tag: Annotated[
        str | None,
        typer.Option(
            "--tag",
            metavar="[TAG]",
            help='Make a tag that starts it, called "ccops: OPERATION" unless you say TAG.',
            rich_help_panel=_KIT,
        ),
    ] = None
