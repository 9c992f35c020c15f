"""Ratios, means, targets, losses, noise: every rule about numbers is here, and none about how they
are shown."""

import math
import statistics
from typing import NamedTuple

from .programs import BOOST, GO, PEERS, TBB, WEFT

# weft's value over another's. A row above its limit is a loss. TBB's tasks have no stacks to keep.
LIMITS = {GO: 1.0, BOOST: 1.0, TBB: 1.5}
MEAN_TARGETS = {GO: 0.25}
ROW_TARGETS = {"parked_create": 0.5}  # weft/Go, where more is wanted than not to lose
ABSOLUTE_TARGETS = {"parked_bytes": 4600}

# Rows that should cost nothing: where both stay below this, their ratio says nothing.
NOTHING_BELOW = {"idle_cpu": 1e6}  # 1 ms of CPU time per second

# A thousand times better in one row would make any mean look good: another design, not another speed.
NOT_IN_MEAN = {"hog_wake"}

# What two workers must not make slower: goroutines that wait for each other all the time.
HAND_OFF_ROWS = ("ping_pong", "ring_503", "mutex_contended_8", "hot_chan_8x8")
HAND_OFF_TARGET = 1.10

# Smaller changes than this are noise however small the spreads are; five samples know no better.
SMALLEST_CHANGE = 0.03
DEVIATION_PER_MAD = 1.4826  # of a normal distribution


class Ratio(NamedTuple):
    """weft's median over a peer's, in one row."""

    value: float  # infinite: weft has something where the peer has nothing
    is_loss: bool
    is_counted: bool  # in the geometric mean
    is_nothing: bool  # both are practically nothing


def unit(row):
    """What a value of the row is: the row's name says it (the protocol in run.py)."""
    if row.endswith("_bytes"):
        return "bytes"
    if row == "idle_cpu":
        return "ns of CPU time per second"
    return "ns of CPU time" if row.endswith("_cpu") else "ns"


def ratio(samples, row, peer):
    """None: one of the two was not measured."""
    weft, other = samples.median(row, WEFT), samples.median(row, peer)
    if weft is None or other is None:
        return None
    nothing = max(weft, other) < NOTHING_BELOW.get(row, 0)
    value = weft / other if other else (math.inf if weft else 1.0)
    counted = (
        not nothing and unit(row) != "bytes" and row not in NOT_IN_MEAN and 0 < value < math.inf
    )
    return Ratio(value, not nothing and value > LIMITS[peer], counted, nothing)


def mean(ratios):
    """Geometric; None of nothing."""
    return math.exp(statistics.fmean(map(math.log, ratios))) if ratios else None


def peer_mean(samples, peer):
    """(mean, over how many rows)."""
    ratios = [ratio(samples, row, peer) for row in samples.rows()]
    counted = [r.value for r in ratios if r and r.is_counted]
    return mean(counted), len(counted)


def losses(samples):
    """[(row, peer, Ratio)]"""
    found = [(row, peer, ratio(samples, row, peer)) for row in samples.rows() for peer in PEERS]
    return [(row, peer, r) for row, peer, r in found if r and r.is_loss]


def count_losses(samples):
    """[(peer, losses, rows that can be compared)], of the peers that have any."""
    found = []
    for peer in PEERS:
        ratios = [r for r in (ratio(samples, row, peer) for row in samples.rows()) if r]
        if ratios:
            found.append((peer, sum(r.is_loss for r in ratios), len(ratios)))
    return found


def remarks(samples, row):
    """What is to be said about a row, the worst first: losses, missed targets, nothing to judge."""
    said = [
        f"FAILED {language}" for language in (WEFT, *PEERS) if samples.has_failed(row, language)
    ]
    of_peer = {peer: ratio(samples, row, peer) for peer in PEERS}
    said += [f"LOSS to {peer}" for peer, r in of_peer.items() if r and r.is_loss]
    target, to_go = ROW_TARGETS.get(row), of_peer[GO]
    if target and to_go and target < to_go.value <= LIMITS[GO]:
        said.append(f"above its target, {target:.2f} of Go")
    most, weft = ABSOLUTE_TARGETS.get(row), samples.median(row, WEFT)
    if most and weft and weft > most:
        said.append(f"above its target, {most} {unit(row)}")
    if any(r and r.is_nothing for r in of_peer.values()):
        said.append("practically nothing, not in the mean")
    if row in NOT_IN_MEAN:
        said.append("not in the mean")
    return said


class Change(NamedTuple):
    """A ratio of two medians, and what chance alone may make of it."""

    value: float
    noise: float  # as a share
    is_beyond_noise: bool


def change(value, spreads):
    """Beyond noise: more than twice the deviation that the spreads of its medians add up to."""
    noise = 2 * DEVIATION_PER_MAD * math.sqrt(sum(s * s for s in spreads))
    noise = max(noise, SMALLEST_CHANGE)
    return Change(value, noise, value > 0 and abs(math.log(value)) > math.log1p(noise))


def hand_off(results):
    """[(row, Change of weft on 2 workers over weft on 1)]; empty unless both were measured."""
    one, two = results.at.get(1), results.at.get(2)
    if one is None or two is None:
        return []
    found = []
    for row in HAND_OFF_ROWS:
        before, after = one.median(row, WEFT), two.median(row, WEFT)
        if before and after:
            spreads = (one.spread(row, WEFT), two.spread(row, WEFT))
            found.append((row, change(after / before, spreads)))
    return found
