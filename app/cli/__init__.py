"""The command `lectotype`: each subcommand lives in a module of its own and is imported only when it is called."""

import importlib
from typing import Any

import click

COMMANDS = {
    "demo": "app.cli.demo:demo",
    "serve": "app.cli.serve:serve",
    "web": "app.cli.serve:web",
    "worker": "app.cli.serve:worker",
    "relay": "app.cli.serve:relay",
    "migrate": "app.cli.serve:migrate",
    "ingest": "app.cli.ingest:ingest",
    "harvest": "app.cli.harvest:harvest",
    "run": "app.cli.analyse:run",
    "runs": "app.cli.analyse:runs",
    "evaluate": "app.cli.evaluate:evaluate",
    "train": "app.cli.train:train",
    "search": "app.cli.search:search",
    "query": "app.cli.query:query",
    "reindex": "app.cli.search:reindex",
    "check-index": "app.cli.search:check_index",
    "export-iiif": "app.cli.export:export_iiif",
    "export": "app.cli.exchange:export",
    "ingest-annotations": "app.cli.exchange:ingest_annotations",
    "check-states": "app.cli.review:check_states",
    "access": "app.cli.access:access",
    "depict": "app.cli.depict:depict",
    "dataset": "app.cli.dataset:dataset",
    "derive": "app.cli.upkeep:derive",
    "fsck": "app.cli.upkeep:fsck",
    "backup": "app.cli.backup:backup",
    "restore": "app.cli.backup:restore",
    "doctor": "app.cli.doctor:doctor",
    "changes": "app.cli.changes:changes",
    "account": "app.cli.account:account",
    "token": "app.cli.token:token",
    "webhook": "app.cli.webhook:webhook",
    "synth": "app.cli.synth:synth",
    "lint-manifest": "app.cli.lint:lint_manifest",
    "dump": "app.cli.dump:dump",
    "regraph": "app.cli.graph:regraph",
    "check-graph": "app.cli.graph:check_graph",
    "validate": "app.cli.validate:validate",
}


class LazyGroup(click.Group):
    """A group that imports a command's module only to run it or to show its help."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature is click's
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - likewise
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """What is no fault of the program is said in a sentence, not by a traceback."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            from app.cli import failures  # only now, as it brings the database

            if isinstance(error, click.ClickException | click.exceptions.Exit | click.Abort):
                raise
            if (sentence := failures.sentence_of(error)) is None:
                raise
            raise click.ClickException(sentence) from error


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="lectotype")
def main() -> None:
    """IIIF image server and annotation hub for natural-history collections."""
