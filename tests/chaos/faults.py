"""What is done to a run, in which order: a plan that a seed decides."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from celery import Celery

from tests.chaos.fleet import Fleet
from tests.chaos.volume import Volume
from tests.servers import Redis
from tests.with_postgres import PrivateServer

_JUMPS = (3600, -3600, 7 * 86400, -90, 0)
_QUEUES = {"classify.cpu": "earmark.classify", "write": "earmark.write", "scan": "earmark.tick"}


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong when so large a part of the jobs is done."""

    share: float
    kind: str
    seed: int


@dataclass
class World:
    """All that can go wrong."""

    fleet: Fleet
    broker: Redis
    database: PrivateServer
    volume: Volume
    hold_s: float
    late: dict[str, bytes]
    """A raw message for each queue, kept to be delivered again."""


def make_plan(*, seed: int, count: int) -> list[Fault]:
    """Return faults in their order: each kind comes once before any comes twice; kills most."""
    chance = random.Random(seed)
    kinds: list[str] = []
    while len(kinds) < count:
        some = list(FAULTS)
        chance.shuffle(some)
        kinds += some
        kinds += ["kill_worker"] * (len(kinds) // 3)
    kinds = kinds[:count]
    shares = sorted(chance.uniform(0.03, 0.9) for _ in kinds)
    return [
        Fault(share, kind, chance.randrange(1 << 30))
        for share, kind in zip(shares, kinds, strict=True)
    ]


def inflict(fault: Fault, world: World) -> str:
    """Let it happen, and mend what does not mend itself; return a word about it."""
    return FAULTS[fault.kind](world, random.Random(fault.seed)) or ""


def keep_messages(broker: Redis) -> dict[str, bytes]:
    """Return a raw message for each queue, to be delivered again later."""
    app = Celery(broker=broker.url)
    kept: dict[str, bytes] = {}
    for queue, task in _QUEUES.items():
        args = [] if task == "earmark.tick" else [queue]
        app.send_task(task, args=args, queue=f"kept-{queue}")
        (kept[queue],) = broker.client.lrange(f"kept-{queue}", 0, -1)
    app.close()
    return kept


def _kill_worker(world: World, chance: random.Random) -> str:
    return world.fleet.kill_one(chance)


def _kill_engine(world: World, chance: random.Random) -> str:
    return world.fleet.kill_engine(chance)


def _restart_redis(world: World, chance: random.Random) -> None:
    world.broker.stop()
    time.sleep(chance.uniform(0, world.hold_s))
    world.broker.start()


def _flush_redis(world: World, chance: random.Random) -> None:
    world.broker.client.flushall()


def _restart_postgres(world: World, chance: random.Random) -> None:
    world.database.stop()
    time.sleep(chance.uniform(0, world.hold_s))
    world.database.start()


def _jump_clock(world: World, chance: random.Random) -> str:
    seconds = chance.choice(_JUMPS)
    world.fleet.set_clock(seconds)
    return f"{seconds:+} s"


def _read_only(world: World, chance: random.Random) -> None:
    with world.volume.read_only():
        time.sleep(world.hold_s)


def _full(world: World, chance: random.Random) -> None:
    with world.volume.full():
        time.sleep(world.hold_s)


def _deliver_again(world: World, chance: random.Random) -> str:
    """Deliver messages of the beginning once more, late and several times."""
    times = chance.randrange(2, 6)
    for queue, message in world.late.items():
        world.broker.client.lpush(queue, *[message] * times)
    return f"{times} times"


FAULTS: dict[str, Callable[[World, random.Random], str | None]] = {
    "kill_worker": _kill_worker,
    "restart_postgres": _restart_postgres,
    "restart_redis": _restart_redis,
    "read_only": _read_only,
    "full": _full,
    "jump_clock": _jump_clock,
    "flush_redis": _flush_redis,
    "deliver_again": _deliver_again,
    "kill_engine": _kill_engine,
}
