"""`isartor set-key --env-file`: the provider as variables in `~/.isartor/env/provider.sh`, for a shell to read."""

from __future__ import annotations

import sys
from shlex import quote
from typing import TYPE_CHECKING, Final

from isartor.cli import edit, home
from isartor.cli.failures import DONE, CommandError, say
from isartor.config import load_with_origins
from isartor.config.sources import PREFIX
from isartor.errors import ConfigError

if TYPE_CHECKING:
    from isartor.cli.edit import Draft
    from isartor.cli.set_key import KeyOptions

FILE_NAME: Final = "provider.sh"
_FOLDER: Final = "env"


def write(draft: Draft, options: KeyOptions, provider: str, key: str) -> int:
    """Write the variables, which override the settings of `draft`'s file, or show them."""
    from isartor.cli.set_key import STRATEGIES, shortcomings

    given = {
        "llm_provider": provider,
        "external_llm_api_key": key or None,
        "external_llm_url": options.url,
        "external_llm_model": options.model,
        "key_rotation_strategy": None if options.strategy is None else STRATEGIES[options.strategy],
        "key_cooldown_secs": None if options.cooldown_secs is None else f"{options.cooldown_secs:g}",
    }
    variables = {PREFIX + name.upper(): value.strip() for name, value in given.items() if value is not None}
    _fits(draft, options, provider)
    try:
        loaded = load_with_origins(path=draft.path, content=draft.text, environ=variables)
    except ConfigError as error:
        message = f"nothing is written: {error.message}"
        raise CommandError(message) from None
    path = home.folder() / _FOLDER / FILE_NAME
    if options.dry_run:
        from isartor.providers.keys import mask

        hidden = {name: mask(value) if value == key else value for name, value in variables.items()}
        sys.stdout.write(f"{path}:\n{_text(hidden)}")
        return DONE
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    edit.replace(path, _text(variables), mode=0o600)
    sys.stdout.write(f"{path} is written. In the shell that starts the gateway: . {quote(str(path))}\n")
    for note in shortcomings(loaded):
        say(note)
    return DONE


def _fits(draft: Draft, options: KeyOptions, provider: str) -> None:
    """Refuse to let the key go to the address of another provider, or beside another provider's keys."""
    before = str(draft.get("llm_provider") or "openai").strip().lower()
    if before == provider:
        return
    for name, given in (("external_llm_url", options.url), ("provider_keys", None)):
        if draft.get(name) and given is None:
            message = f"{draft.path} has {name}, which belongs to {before} and would be used for {provider}; remove it"
            raise CommandError(message)


def _text(variables: dict[str, str]) -> str:
    return "".join(f"export {name}={quote(value)}\n" for name, value in variables.items())
