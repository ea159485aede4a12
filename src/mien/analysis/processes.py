"""Processes that share the inputs of a batch or a corpus: none outlives the one that started it."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from threading import Thread
from typing import Any, Final

CONTEXT: Final = multiprocessing.get_context("spawn")

MOST_PROCESSES: Final = 61
"""Windows can't wait for more."""


@contextmanager
def process_pool(many: int, begin: Callable[..., None], *given: Any) -> Iterator[ProcessPoolExecutor]:
    """Yield a pool of processes; where the block breaks off they end at once.

    Args:
        many: processes.
        begin: called in each before its first work.
        given: what it is called with.
    """
    others = set(multiprocessing.active_children())
    with ProcessPoolExecutor(many, CONTEXT, _begin, (begin, *given)) as pool:
        try:
            yield pool
        except BaseException:
            # Ctrl-C too: what is finished is kept, and nobody waits for an hour of video.
            pool.shutdown(wait=False, cancel_futures=True)
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()
            raise


def _begin(begin: Callable[..., None], *given: Any) -> None:
    # Ctrl-C reaches every process of the terminal, and the parent answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    begin(*given)


def _end_with_parent() -> None:
    """End this process when the one that started it has ended, however that was."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
