"""Tags themselves; who carries them is in `members`."""

from ccops.sandbox.call import Call
from ccops.sandbox.exchange import Answer, Invalid, Json
from ccops.sandbox.moment import shown
from ccops.sandbox.paging import Window, listing, window
from ccops.sandbox.rows import TagRow
from ccops.sandbox.tables import PRESENT

_BLANK = "Name can't be blank"


def presented(tag: TagRow) -> Json:
    """Return a tag as Kit shows it."""
    return {"id": tag.id, "name": tag.name, "created_at": shown(tag.created_at)}


def index(call: Call) -> Answer:
    """List the tags, newest first."""
    wanted = window(call.query)
    page = call.store.tags(call.lists_at, wanted)
    return Answer(200, listing("tags", [presented(tag) for tag, _ in page.rows], page, wanted))


def create(call: Call) -> Answer:
    """Make a tag, or return the one that has the name in any case of letters."""
    name = call.text("name", _BLANK)
    known, most = call.store.tag_named(name), call.settings.most_tags
    if known is None and most is not None and len(call.store.tags(PRESENT, Window(size=most)).rows) >= most:
        raise Invalid(f"You can have at most {most} tags")
    tag = known or call.store.new_tag(name, call.moment)
    return Answer(200 if known else 201, {"tag": presented(tag)})


def rename(call: Call) -> Answer:
    """Give a tag another name; id and members stay."""
    tag, name = call.tag(), call.text("name", _BLANK)
    taken = call.store.tag_named(name)
    if taken and taken.id != tag.id:
        raise Invalid("Name has already been taken")
    return Answer(200, {"tag": presented(call.store.rename_tag(tag, name, call.moment))})
