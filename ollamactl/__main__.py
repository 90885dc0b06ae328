"""``python -m ollamactl``: the `ollamactl` command."""

from ollamactl.cli import main

if __name__ == "__main__":
    main(prog_name="ollamactl")
