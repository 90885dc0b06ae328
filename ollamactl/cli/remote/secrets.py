"""Secrets that a person types unseen, or that a script pipes in; never on the command line."""

from __future__ import annotations

import sys

import click

LONGEST = 64 * 1024


def ask_secret(label: str) -> str:
    """Ask without showing it; without a terminal, the first line of stdin."""
    if sys.stdin.isatty():
        return str(click.prompt(label, hide_input=True, err=True))
    return sys.stdin.readline(LONGEST).rstrip("\r\n")
