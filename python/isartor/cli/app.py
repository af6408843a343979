"""The table of commands: what each is called and takes. What it does is in the file of its name."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 # typer reads the annotations at run time
from typing import Annotated

import typer

from isartor.cli.quick import MAX_PORT, MAX_WORKERS, UpOptions

app = typer.Typer(
    name="isartor",
    help="A prompt firewall: answers repeated LLM requests on the spot, sends on only what must go on.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
config_app = typer.Typer(help="Look at the configuration.", no_args_is_help=True)
app.add_typer(config_app, name="config")

Offline = Annotated[bool, typer.Option("--offline", help="Send nothing to the outside.")]
Detach = Annotated[bool, typer.Option("--detach", help="Run in the background.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _print_version(asked: bool) -> None:  # noqa: FBT001 # the shape that typer calls
    if asked:
        from isartor import __version__

        typer.echo(f"isartor {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    *,
    offline: Offline = False,
    detach: Detach = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Without a command: start the gateway, as `isartor up`."""
    del version
    options = UpOptions(offline=offline, detach=detach)
    context.obj = options
    if context.invoked_subcommand is None:
        _up(options)
    elif offline and context.invoked_subcommand != "up":
        message = "--offline belongs to `isartor up`"
        raise typer.BadParameter(message)


@app.command()
def up(  # noqa: PLR0913 # one argument per option
    context: typer.Context,
    *,
    demo: Annotated[bool, typer.Option("--demo", help="Answer misses with the built-in demo provider.")] = False,
    demo_if_keyless: Annotated[
        bool, typer.Option("--demo-if-keyless", hidden=True, help="As --demo, but only if no provider is configured.")
    ] = False,
    detach: Detach = False,
    offline: Offline = False,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=MAX_PORT, help="Port to listen on.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=MAX_WORKERS, help="Worker processes.")] = None,
) -> None:
    """Start the gateway."""
    above: UpOptions = context.obj
    _up(
        UpOptions(
            demo=demo,
            demo_if_keyless=demo_if_keyless,
            detach=detach or above.detach,
            offline=offline or above.offline,
            host=host,
            port=port,
            workers=workers,
        )
    )


def _up(options: UpOptions) -> None:
    from isartor.cli import up as command

    raise typer.Exit(command.run(options))


@app.command()
def stop(
    *,
    force: Annotated[bool, typer.Option("--force", help="Kill it at once; running replies are cut.")] = False,
    pid_file: Annotated[Path | None, typer.Option(help="Instead of ~/.isartor/isartor.pid.")] = None,
) -> None:
    """Stop the running gateway; replies that are under way are finished first."""
    from isartor.cli import stop as command

    raise typer.Exit(command.run(force=force, pid_file=pid_file))


@app.command()
def init() -> None:
    """Write a commented isartor.toml into this directory."""
    from isartor.cli import init as command

    raise typer.Exit(command.run())


@app.command()
def logs(
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written from now on.")] = False,
) -> None:
    """Print the end of the log of a gateway that runs in the background."""
    from isartor.cli import logs as command

    raise typer.Exit(command.run(follow=follow))


@app.command()
def stats(
    *,
    by_tool: Annotated[bool, typer.Option("--by-tool", help="Show a row per AI tool.")] = False,
    as_json: AsJson = False,
    gateway_url: Annotated[
        str | None, typer.Option(envvar="ISARTOR_GATEWAY_URL", help="The gateway to ask; by default the local one.")
    ] = None,
    gateway_api_key: Annotated[
        str | None, typer.Option(help="Its key; by default the configured one.", show_envvar=False)
    ] = None,
    recent_limit: Annotated[int, typer.Option(min=0, max=200, help="How many recent requests to list.")] = 10,
) -> None:
    """Show how many requests were answered where."""
    from isartor.cli import stats as command

    raise typer.Exit(
        command.run(by_tool=by_tool, as_json=as_json, url=gateway_url, key=gateway_api_key, recent=recent_limit)
    )


@app.command()
def demo() -> None:
    """Send 50 prompts through a gateway of its own and show what the cache answered. Needs no key."""
    from isartor.cli import demo as command

    raise typer.Exit(command.run())


@config_app.command("show")
def config_show(*, as_json: AsJson = False) -> None:
    """Print every setting, its value and where it comes from. Secrets are shown as ***."""
    from isartor.cli import config_show as command

    raise typer.Exit(command.run(as_json=as_json))
