"""`python -m tests.wire.responses_only up ...`: a gateway whose provider speaks the Responses API and nothing else.

None of those that are built in is like that; with it every format can stand on the provider's side in the tests.
"""

from __future__ import annotations

from msgspec.structs import replace

from isartor.providers import registry

# Not below the guard: the worker processes import this module, too.
registry.TABLE["openai"] = replace(registry.TABLE["openai"], speaks=("responses",))

if __name__ == "__main__":
    from isartor.cli.main import main

    main()
