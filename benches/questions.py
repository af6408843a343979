"""Questions of an exact length, as many as a bench needs, made the same way every time and written for these benches.

Each is put together from a verb, an object, a place, a time and a reason. A question has two wordings: the second says
the same in another order and with another beginning, so that a search for it finds the first.
"""

import random
from collections.abc import Callable, Iterator
from typing import Final

VERBS: Final = (
    "archive", "compare", "convert", "copy", "download", "duplicate", "encrypt", "export", "filter", "forward", "group",
    "hide", "import", "label", "link", "lock", "merge", "move", "print", "publish", "rename", "replace", "restore",
    "review", "schedule", "share", "sort", "split", "translate", "upload",
)  # fmt: skip
OBJECTS: Final = (
    "address book", "annual report", "audit log", "billing sheet", "bug list", "camera footage", "chat history",
    "contract drafts", "customer records", "delivery notes", "error logs", "exam results", "expense claims", "floor plans",
    "guest list", "holiday calendar", "insurance papers", "inventory table", "invoice archive", "job postings",
    "lecture slides", "meeting minutes", "newsletter texts", "order history", "patient files", "payroll data",
    "photo albums", "price list", "project plan", "recipe cards", "release notes", "sales figures", "seating chart",
    "sensor readings", "shift roster", "song library", "survey answers", "tax forms", "travel bookings", "user manual",
)  # fmt: skip
PLACES: Final = (
    "from the Lisbon office", "on the shared drive", "in the staging area", "of the second team", "on my old laptop",
    "in the company wiki", "from the last quarter", "on the backup server", "in the mobile app", "of our Zurich branch",
    "from the test account", "in the customer portal", "on the reception tablet", "in the legacy database",
    "of the night shift", "from the partner site", "in the school network", "on the factory floor", "of the music club",
    "in the city library", "from the web shop", "on the family computer", "in the lab system", "of the Porto warehouse",
)  # fmt: skip
TIMES: Final = (
    "before the audit", "after the weekend", "by Friday noon", "during the migration", "before the new year",
    "after the next release", "on Monday morning", "within one hour", "by the end of March", "during the lunch break",
    "before the board meeting", "after the power cut", "until the summer holidays", "in early October",
    "before my flight", "after the merger",
)  # fmt: skip
REASONS: Final = (
    "so that nothing gets lost", "because my manager needs them", "without telling the whole team",
    "and keep the old names", "while others are still working", "because the licence ends then",
    "without a second login", "and send me a receipt", "so that auditors can read them", "with as few clicks as possible",
    "because the disk is nearly full", "and check the totals first", "without changing the layout",
    "so that everybody finds them", "since the supplier asked twice", "and leave the originals alone",
)  # fmt: skip
FIRST: Final = (
    "How do I",
    "How can we",
    "What is the best way to",
    "Could you explain how to",
    "Please tell me how to",
)
SECOND: Final = (
    "how would I",
    "how should we",
    "what is the right way to",
    "could you tell me how to",
    "show me how to",
)


def wordings(seed: int, fits: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    """Endless pairs of wordings, no two pairs alike, both of a length that `fits`."""
    chance = random.Random(seed)
    known: set[tuple[str, ...]] = set()
    while True:
        parts = tuple(chance.choice(words) for words in (VERBS, OBJECTS, PLACES, TIMES, REASONS))
        verb, thing, place, time, reason = parts
        first = f"{chance.choice(FIRST)} {verb} the {thing} {place} {time} {reason}?"
        if parts in known or not fits(first):
            continue
        known.add(parts)
        for start in chance.sample(SECOND, len(SECOND)):
            second = f"{time[0].upper()}{time[1:]}, {start} {verb} the {thing} {place} {reason}?"
            if fits(second):
                yield first, second
                break
