"""`lectotype train`: make the weights of a network from a plan."""

import time
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

NEEDED = "Training needs the extra `train`: pip install 'lectotype[train]'"


@click.command()
@click.argument("plan", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("training"), show_default=True, help="Folder."
)
@click.option("--data", type=click.Path(exists=True, file_okay=False), help="The folder of real images, in place of the plan's.")
def train(plan: Path, out: Path, data: str | None) -> None:
    """Train the network of PLAN and write NAME.onnx and its card NAME.md into the folder.

    What was interrupted goes on from its last checkpoint, with the same result.
    """
    try:
        from analytics.training import making  # PyTorch is loaded only here
    except ModuleNotFoundError as error:
        raise click.ClickException(f"{NEEDED} ({error.name} is missing).") from error
    from analytics.training.errors import BadCheckpoint, BadPlan, NetworksDisagree

    began = time.monotonic()
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("Drawing and reading", total=None)

        def told(step: int, steps: int, loss: float) -> None:
            progress.update(task, description=f"Training, loss {loss:.3f}", completed=step, total=steps)

        try:
            made = making.make(plan, out, data, told)
        except ModuleNotFoundError as error:
            raise click.ClickException(f"{NEEDED} ({error.name} is missing).") from error
        except (BadPlan, BadCheckpoint, NetworksDisagree) as error:
            raise click.ClickException(str(error)) from error
    click.echo(f"{made.weights} {made.digest}\n{made.card}\n{time.monotonic() - began:.0f} s")
