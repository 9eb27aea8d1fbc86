"""Tags themselves; who carries them is in `members`."""

from ccops.sandbox.call import Call
from ccops.sandbox.exchange import Answer, Invalid, Json
from ccops.sandbox.moment import shown
from ccops.sandbox.paging import listing, window
from ccops.sandbox.rows import TagRow

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
    known = call.store.tag_named(name)
    tag = known or call.store.new_tag(name, call.moment)
    return Answer(200 if known else 201, {"tag": presented(tag)})


def rename(call: Call) -> Answer:
    """Give a tag another name; id and members stay."""
    tag, name = call.tag(), call.text("name", _BLANK)
    taken = call.store.tag_named(name)
    if taken and taken.id != tag.id:
        raise Invalid("Name has already been taken")
    return Answer(200, {"tag": presented(call.store.rename_tag(tag, name, call.moment))})
