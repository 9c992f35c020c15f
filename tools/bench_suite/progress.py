"""The bar while it measures."""

import sys


class Progress:
    """A bar on a terminal, nothing elsewhere. tqdm's if it is installed."""

    def __init__(self, total):
        self.total, self.done = total, 0
        self.shown = sys.stderr.isatty()
        self.bar = None
        try:
            from tqdm import tqdm

            self.bar = tqdm(total=total, disable=not self.shown, leave=False, unit="run")
        except ImportError:
            pass

    def step(self, what):
        self.done += 1
        if self.bar is not None:
            self.bar.set_description(what, refresh=False)
            self.bar.update()
        elif self.shown:
            filled = 24 * self.done // self.total
            line = f"[{'#' * filled:24}] {self.done}/{self.total}  {what}"
            print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)

    def close(self):
        if self.bar is not None:
            self.bar.close()
        elif self.shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
