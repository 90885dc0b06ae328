"""What belongs to the terminal that somebody sits at, and not to the chat: the lines that are
typed, and the settings of `/set` that no panel can do."""

from __future__ import annotations

from ollamactl.cli.terminal import note
from ollamactl.cli.text import gettext as _
from ollamactl.lib.slash import QUOTES, wants_more


class Desk:
    """A terminal, its keys and its lines."""

    def __init__(self) -> None:
        self.wraps = False

    def set(self, line: str) -> str | None:
        """Do what a line such as `/set nohistory` says; None where it is none of these."""
        words = line.lower().split()
        if len(words) != 2 or words[0] != "/set":
            return None
        match words[1]:
            case "history":
                _remember(True)
                return _("The up arrow brings back what you write.")
            case "nohistory":
                _remember(False)
                return _("What you write from now on is not brought back by the up arrow.")
            case "wordwrap":
                self.wraps = True
                return _("Lines end between words.")
            case "nowordwrap":
                self.wraps = False
                return _("Lines are printed as the model writes them.")
        return None

    def read_line(self) -> str | None:
        """A line, or several between triple quotes; None at the end of the input."""
        try:
            lines = [input(">>> ")]
            if wants_more(lines[0]):
                lines.append(input("... "))
                while not lines[-1].endswith(QUOTES):
                    lines.append(input("... "))
        except KeyboardInterrupt:
            note("")
            return ""
        except EOFError:
            note("")
            return None
        text = "\n".join(lines)
        if text.startswith(QUOTES):
            text = text.removeprefix(QUOTES).removesuffix(QUOTES).strip("\n")
        return text


def _remember(does: bool) -> None:
    import readline

    readline.set_auto_history(does)
