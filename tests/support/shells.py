"""A shell in a pseudo-terminal that has loaded its completion, and the words that it would run."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shlex
import signal
import struct
import termios
from pathlib import Path

from tests.support.queue import QUEUECTL, Queue
from tests.support.waiting import wait_until

_READY = "shell is ready"
_RC = {
    "bash": 'queuectl() {{ printf "%s\\0" "$@" >meant.new; mv meant.new "meant.$1"; }}\nPS1="$ "\n',
    "zsh": (
        "autoload -Uz compinit && compinit -u -D\nPS1='$ '\nunsetopt beep\n"
        'queuectl() {{ printf "%s\\0" "$@" >meant.new; mv meant.new "meant.$1"; }}\n'
    ),
    "fish": (
        "function fish_greeting; end\nfunction fish_prompt; echo '$ '; end\nset -g fish_autosuggestion_enabled 0\n"
        "function queuectl; printf '%s\\0' $argv >meant.new; mv meant.new meant.$argv[1]; end\n"
    ),
}
"""Its `queuectl` records its arguments. The completion script calls the program by another path."""
_LOADED = {
    "bash": 'eval "$({program} completion bash)"\n',
    "zsh": 'eval "$({program} completion zsh)"\n',
    "fish": "{program} completion fish | source\n",
}


class Shell:
    """A user at a shell."""

    def __init__(self, name: str, queue: Queue, *, load: str | None = None) -> None:
        home = queue.directory / f"home-{name}"
        self.directory = home / "work"
        self.directory.mkdir(parents=True)
        self._seen = ""
        rc = (_RC[name] + (load or _LOADED[name]) + "echo 'shell is' ready\n").format(program=shlex.quote(QUEUECTL))
        files = {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/config.fish"}
        (home / ".config" / "fish").mkdir(parents=True)
        (home / files[name]).write_text(rc)
        words = {"bash": ["--noprofile", "--rcfile", str(home / ".bashrc"), "-i"], "zsh": ["-i"], "fish": ["-i"]}[name]
        env = {name: value for name, value in queue.environment.items() if not name.startswith(("ZDOT", "BASH", "XDG"))}
        env |= {"HOME": str(home), "ZDOTDIR": str(home), "INPUTRC": os.devnull, "TERM": "xterm", "LC_ALL": "C.UTF-8"}
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
                os.chdir(self.directory)
                os.execvpe(name, [name, *words], env)
            finally:
                os._exit(99)
        self.wait_for(_READY)

    def type(self, keys: str) -> None:
        """Clear the recorded screen, and type."""
        self._read()
        self._seen = ""
        os.write(self._terminal, keys.encode())

    def wait_for(self, text: str) -> None:
        """Wait until a text has been shown since the last key."""
        wait_until(lambda: text in self.seen)

    def meant(self, typed: str) -> list[str]:
        """Type the rest of a line after `queuectl `, including tabs; return the words that the command receives."""
        for old in self.directory.glob("meant.*"):
            old.unlink()
        self.type(f"queuectl {typed}\r")
        wait_until(self._written)
        (found,) = self._written()
        return found.read_bytes().decode().split("\0")[:-1]

    @property
    def seen(self) -> str:
        """The text shown since the last key."""
        self._read()
        return self._seen

    def close(self) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._terminal)

    def _written(self) -> list[Path]:
        self._read()  # a shell that cannot write to its terminal would block
        return [*self.directory.glob("meant.[!n]*")]

    def _read(self) -> None:
        while select.select([self._terminal], [], [], 0)[0]:
            try:
                self._seen += os.read(self._terminal, 65_536).decode(errors="replace")
            except OSError:  # the shell has ended
                return
