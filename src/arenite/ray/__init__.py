"""Forks on many machines, by Ray: an image is mapped once on each node, and forks of it answer there.

with Pool(Sandbox.python()) as pool:
    for answer in pool.map("item ** 2", range(1000)):
        print(answer.get())

The extra `ray` brings what is needed; without it a name here is an `ImportError` that says so.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arenite.ray.answer import Answer as Answer
    from arenite.ray.answer import Progress as Progress
    from arenite.ray.answer import Work as Work
    from arenite.ray.errors import CodeError as CodeError
    from arenite.ray.errors import LostError as LostError
    from arenite.ray.errors import PoolError as PoolError
    from arenite.ray.errors import StalledError as StalledError
    from arenite.ray.errors import StoreFullError as StoreFullError
    from arenite.ray.image import Image as Image
    from arenite.ray.pool import Pool as Pool
    from arenite.ray.run import Run as Run
else:
    from arenite.lazy import lazily

    HOMES = {
        "Answer": "arenite.ray.answer.Answer",
        "CodeError": "arenite.ray.errors.CodeError",
        "Image": "arenite.ray.image.Image",
        "LostError": "arenite.ray.errors.LostError",
        "Pool": "arenite.ray.pool.Pool",
        "PoolError": "arenite.ray.errors.PoolError",
        "Progress": "arenite.ray.answer.Progress",
        "Run": "arenite.ray.run.Run",
        "StalledError": "arenite.ray.errors.StalledError",
        "StoreFullError": "arenite.ray.errors.StoreFullError",
        "Work": "arenite.ray.answer.Work",
    }
    __all__, __getattr__, __dir__ = lazily(__name__, HOMES)
