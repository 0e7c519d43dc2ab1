"""``mailtally``: wires the operator's commands together."""

import click

from mailtally.analyze.command import analyze
from mailtally.demo import demo
from mailtally.doctor.command import doctor
from mailtally.report.command import report
from mailtally.up import up


@click.group("mailtally")
def main() -> None:
    """Mail traffic accounting for clusters of mail servers."""


for command in (demo, up, analyze, report, doctor):
    main.add_command(command)

if __name__ == "__main__":
    main()
