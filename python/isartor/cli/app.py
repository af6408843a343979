"""The table of commands: what each is called and takes. What it does is in the file of its name."""

from __future__ import annotations

from pathlib import Path
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
cache_app = typer.Typer(help="Look into the caches, correct and measure them.", no_args_is_help=True)
app.add_typer(cache_app, name="cache")

Offline = Annotated[bool, typer.Option("--offline", help="Send nothing to the outside.")]
Detach = Annotated[bool, typer.Option("--detach", help="Run in the background.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
GatewayUrl = Annotated[
    str | None, typer.Option(envvar="ISARTOR_GATEWAY_URL", help="The gateway to ask; by default the local one.")
]
GatewayKey = Annotated[str | None, typer.Option(help="Its key; by default the configured one.", show_envvar=False)]
Deep = Annotated[bool, typer.Option("--deep", help="Try what a request needs; some providers bill it as one token.")]
ConfigPath = Annotated[
    Path | None,
    typer.Option("--config-path", help="The file to change; by default the one in use, else ./isartor.toml."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change, keys masked, and write nothing.")]
Pairs = Annotated[
    Path,
    typer.Option("--pairs", help='Labelled questions: a JSON object per line, {"a": ..., "b": ..., "same": true}.'),
]


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
    requests: Annotated[
        bool, typer.Option("--requests", help="The log of requests and replies, see enable_request_logs.")
    ] = False,
) -> None:
    """Print the end of the log of a gateway that runs in the background, or of its requests."""
    from isartor.cli import logs as command

    raise typer.Exit(command.run(follow=follow, requests=requests))


@app.command()
def providers(*, as_json: AsJson = False, gateway_url: GatewayUrl = None, gateway_api_key: GatewayKey = None) -> None:
    """Show the providers, their keys and how they are; without a gateway, what is configured."""
    from isartor.cli import providers as command

    raise typer.Exit(command.run(as_json=as_json, url=gateway_url, key=gateway_api_key))


@app.command()
def check(*, deep: Deep = False, as_json: AsJson = False) -> None:
    """Ask every provider with every key whether it answers, and list all that is connected to. Needs no gateway.

    Exit code 1 if a provider lacks its key, does not answer, or refuses a key. `isartor ping` and
    `isartor connectivity-check` are the same.
    """
    from isartor.cli import check as command

    raise typer.Exit(command.run(deep=deep, as_json=as_json))


for _alias in ("ping", "connectivity-check"):
    app.command(_alias, hidden=True)(check)


@app.command()
def stats(  # noqa: PLR0913 # one argument per option
    *,
    by_tool: Annotated[bool, typer.Option("--by-tool", help="Show a row per AI tool.")] = False,
    as_json: AsJson = False,
    gateway_url: GatewayUrl = None,
    gateway_api_key: GatewayKey = None,
    recent_limit: Annotated[int, typer.Option(min=0, max=200, help="How many recent requests to list.")] = 10,
    usage: Annotated[bool, typer.Option("--usage", help="Show tokens, cost and savings instead.")] = False,
    usage_hours: Annotated[int, typer.Option(min=1, max=87_840, help="How many hours of usage to sum up.")] = 24,
) -> None:
    """Show how many requests were answered where, or what was used and saved."""
    if usage:
        from isartor.cli import usage as report

        raise typer.Exit(report.run(as_json=as_json, url=gateway_url, key=gateway_api_key, hours=usage_hours))
    from isartor.cli import stats as command

    raise typer.Exit(
        command.run(by_tool=by_tool, as_json=as_json, url=gateway_url, key=gateway_api_key, recent=recent_limit)
    )


@app.command()
def demo() -> None:
    """Send 50 prompts through a gateway of its own and show what the cache answered. Needs no key."""
    from isartor.cli import demo as command

    raise typer.Exit(command.run())


@app.command("set-key")
def set_key(  # noqa: PLR0913 # one argument per option
    *,
    provider: Annotated[str, typer.Option("--provider", "-p", help="The provider's id.")],
    key: Annotated[
        str | None,
        typer.Option("--key", "-k", help="Its key. Left out, it is asked for, or read from standard input."),
    ] = None,
    model: Annotated[str | None, typer.Option("--model", "-m", help="Model for requests that name none.")] = None,
    url: Annotated[str | None, typer.Option("--url", help="Its address, if it is not its usual one.")] = None,
    config_path: ConfigPath = None,
    dry_run: DryRun = False,
    env_file: Annotated[
        bool, typer.Option("--env-file", help="Write variables to ~/.isartor/env/provider.sh instead.")
    ] = False,
    add: Annotated[bool, typer.Option("--add", help="Add the key to the provider's others.")] = False,
    label: Annotated[str | None, typer.Option("--label", help="Name of the added key in reports.")] = None,
    priority: Annotated[int, typer.Option("--priority", min=1, help="Rank of the added key, lowest first.")] = 1,
    strategy: Annotated[
        str | None, typer.Option("--strategy", help="How keys take turns: round_robin or priority.")
    ] = None,
    cooldown_secs: Annotated[
        float | None, typer.Option("--cooldown-secs", help="Seconds that a key rests after 429.")
    ] = None,
) -> None:
    """Set the provider and its key in isartor.toml; comments and order stay as they are."""
    from isartor.cli import set_key as command

    if add and env_file:
        message = "--add and --env-file exclude each other: variables hold one key"
        raise typer.BadParameter(message)
    if not add and (label is not None or priority != 1):
        message = "--label and --priority belong to --add"
        raise typer.BadParameter(message)
    if strategy is not None and strategy not in command.STRATEGIES:
        message = "--strategy is round_robin or priority"
        raise typer.BadParameter(message)
    if cooldown_secs is not None and not cooldown_secs > 0:
        message = "--cooldown-secs must be above 0"
        raise typer.BadParameter(message)
    options = command.KeyOptions(
        provider=provider,
        key=key,
        model=model,
        url=url,
        config_path=config_path,
        dry_run=dry_run,
        env_file=env_file,
        add=add,
        label=label,
        priority=priority,
        strategy=strategy,
        cooldown_secs=cooldown_secs,
    )
    raise typer.Exit(command.run(options))


@app.command("set-alias")
def set_alias(
    *,
    alias: Annotated[str, typer.Option("--alias", help="Name that clients may use.")],
    model: Annotated[str, typer.Option("--model", "-m", help="The model that is meant.")],
    config_path: ConfigPath = None,
    dry_run: DryRun = False,
) -> None:
    """Set a name for a model in isartor.toml; comments and order stay as they are."""
    from isartor.cli import set_alias as command

    raise typer.Exit(command.run(alias, model, config_path=config_path, dry_run=dry_run))


@config_app.command("show")
def config_show(*, as_json: AsJson = False) -> None:
    """Print every setting, its value and where it comes from. Secrets are shown as ***."""
    from isartor.cli import config_show as command

    raise typer.Exit(command.run(as_json=as_json))


@cache_app.command("list")
def cache_list(
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many entries to list, newest first.")] = 50,
    as_json: AsJson = False,
    gateway_url: GatewayUrl = None,
    gateway_api_key: GatewayKey = None,
) -> None:
    """List what a running gateway has stored for its key."""
    from isartor.cli.cache import list as command

    raise typer.Exit(command.run(limit=limit, as_json=as_json, url=gateway_url, key=gateway_api_key))


@cache_app.command("explain")
def cache_explain(
    a: Annotated[str, typer.Argument(metavar="A", help="A question that has been answered.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another, which may get the same reply.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Say whether the reply to question A would be given to question B, and why. Needs no gateway."""
    from isartor.cli.cache import explain as command

    raise typer.Exit(command.run(a, b, as_json=as_json))


@cache_app.command("report")
def cache_report(
    key: Annotated[
        str, typer.Argument(metavar="KEY", help="As in x-isartor-cache-key; 12 digits of a listed one are enough.")
    ],
    *,
    gateway_url: GatewayUrl = None,
    gateway_api_key: GatewayKey = None,
) -> None:
    """Report a wrong answer: its entry is quarantined at once, and the semantic cache learns from it."""
    from isartor.cli.cache import report as command

    raise typer.Exit(command.run(key, url=gateway_url, gateway_key=gateway_api_key))


@cache_app.command("invalidate")
def cache_invalidate(
    key: Annotated[
        str | None,
        typer.Argument(metavar="KEY", help="As in x-isartor-cache-key; 12 digits of a listed one are enough."),
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Remove all entries of this gateway key.")] = False,
    gateway_url: GatewayUrl = None,
    gateway_api_key: GatewayKey = None,
) -> None:
    """Remove one entry, or all of them, from a running gateway."""
    from isartor.cli.cache import invalidate as command

    if everything == (key is not None):
        message = "give either a KEY or --all"
        raise typer.BadParameter(message)
    raise typer.Exit(command.run(key, url=gateway_url, gateway_key=gateway_api_key))


@cache_app.command("evaluate")
def cache_evaluate(
    *,
    pairs: Pairs,
    out: Annotated[Path, typer.Option("--out", help="Where the plot goes, a PNG file.")] = Path(
        "semantic-evaluation.png"
    ),
    as_json: AsJson = False,
) -> None:
    """Measure on labelled pairs what each policy would serve, right and wrong, and plot it."""
    from isartor.cli.cache import evaluate as command

    raise typer.Exit(command.run(pairs, out, as_json=as_json))


@cache_app.command("calibrate")
def cache_calibrate(*, pairs: Pairs) -> None:
    """Fit the last step of the verifier to labelled pairs of your own."""
    from isartor.cli.cache import calibrate as command

    raise typer.Exit(command.run(pairs))
