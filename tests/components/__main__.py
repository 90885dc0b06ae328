"""``python -m tests.components install | status``: provision the real components, or list them."""

import argparse
import sys

from tests.components.cache import cache_dir
from tests.components.inventory import COMPONENTS, MissingComponent
from tests.components.provision import install_all


def show_status() -> int:
    """Print what is installed. Returns the exit status: 1 where a component is missing."""
    missing = 0
    print(f"cache: {cache_dir()}")
    for component in COMPONENTS:
        try:
            print(f"{component.name}: {component.locate()}")
        except MissingComponent as error:
            missing += 1
            print(f"{component.name}: MISSING. {error}")
    return 1 if missing else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.components", description=__doc__)
    parser.add_argument("action", choices=("install", "status"))
    arguments = parser.parse_args()
    if arguments.action == "install":
        try:
            install_all()
        except MissingComponent as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
    return show_status()


if __name__ == "__main__":
    sys.exit(main())
