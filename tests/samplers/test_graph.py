"""Samplers of the graph against slow references: networkx, and a walk and a fire written down step by step."""

from __future__ import annotations

import random
from types import MappingProxyType

import networkx
import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recbench_samplers import centrality, forest_fire, random_walk
from recbench_samplers.compiled import compiled
from recbench_samplers.graph import bipartite

from recbench import Budget

SEEDS = 2000
pairs_of = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=1, max_size=60)
# Two parts, a hub on both sides, and a pair that repeats.
TOY = [(0, item) for item in range(6)] + [(user, 0) for user in range(1, 5)] + [(1, 2), (2, 2), (2, 2), (5, 6), (6, 6)]


def edges(train):
    return [(("user", int(user)), ("item", int(item))) for user, item in zip(train.user, train.item, strict=True)]


def neighbours_of(train):
    """Node to neighbours, one an edge: users are numbered first."""
    found = {}
    for user, item in zip(train.user.tolist(), train.item.tolist(), strict=True):
        found.setdefault(user, []).append(train.num_users + item)
        found.setdefault(train.num_users + item, []).append(user)
    return found


@settings(max_examples=60, deadline=None)
@given(pairs=pairs_of)
def test_neighbours_are_those_of_the_rows(split, pairs):
    train = split(pairs).train
    graph, wanted = bipartite(train), neighbours_of(train)
    for node in range(train.num_users + train.num_items):
        mine = graph.neighbours[graph.starts[node] : graph.starts[node + 1]]
        assert sorted(mine) == sorted(wanted.get(node, []))


@settings(max_examples=60, deadline=None)
@given(pairs=pairs_of, damping=st.sampled_from([0.0, 0.5, 0.85]))
def test_pagerank_is_that_of_networkx(split, pairs, damping):
    train = split(pairs).train
    users, items = centrality.pagerank(train, damping=damping)
    wanted = networkx.pagerank(networkx.MultiGraph(edges(train)), alpha=damping, tol=1e-12, max_iter=1000)
    found = {("user", u): users[u] for u in range(len(users))} | {("item", i): items[i] for i in range(len(items))}
    assert found == pytest.approx({node: wanted.get(node, 0.0) for node in found}, abs=1e-8)
    assert users.sum() + items.sum() == pytest.approx(1, abs=1e-8)


def test_rows_leave_with_their_least_central_end(split, drawer, fake_context):
    toy = split(TOY)
    scores = centrality.order(toy.train, fake_context(parameters=MappingProxyType({"damping": 0.85})))
    rows = drawer(toy).draw("centrality", Budget(4, "rows")).rows
    assert scores[rows].min() >= np.delete(scores, rows).max()
    users, items = centrality.pagerank(toy.train, damping=0.85)
    assert scores == pytest.approx(14 * np.minimum(users[toy.train.user], items[toy.train.item]), rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(pairs=pairs_of, seed=st.integers(0, 9), method=st.sampled_from(["walk", "fire"]))
def test_every_node_with_a_row_is_reached_once(split, pairs, seed, method):
    train = split(pairs).train
    reached = _run(train, method, seed)
    there = sorted(neighbours_of(train))
    assert sorted(reached[there]) == list(range(len(there)))
    assert (np.delete(reached, there) == -1).all()


@pytest.mark.parametrize("method", ["walk", "fire"])
def test_nodes_are_reached_as_early_as_by_a_slow_reference(split, method):
    """Mean places of all nodes, and how often each is among the first four, over many seeds."""
    train = split(TOY).train
    neighbours = neighbours_of(train)
    slow = {"walk": _slow_walk, "fire": _slow_fire}[method]
    mine = np.array([_run(train, method, seed) for seed in range(SEEDS)])
    theirs = np.array([slow(neighbours, mine.shape[1], random.Random(seed)) for seed in range(SEEDS)])
    for one, other in ((mine, theirs), (mine < 4, theirs < 4)):
        error = np.sqrt((one.var(axis=0) + other.var(axis=0)) / SEEDS)
        assert (abs(one.mean(axis=0) - other.mean(axis=0)) <= 4.5 * error).all()


def test_a_walk_that_always_restarts_reaches_nodes_in_the_order_of_its_seeds(split):
    graph = bipartite(split(TOY).train)
    seeds = np.random.default_rng(0).permutation(np.flatnonzero(np.diff(graph.starts)))
    reached = random_walk.first_visits(graph.starts, graph.neighbours, seeds, 1.0, np.random.default_rng(0))
    assert np.argsort(reached[seeds]).tolist() == list(range(len(seeds)))


def test_a_fire_that_lights_all_burns_in_breadth(split):
    """With p near 0 every unburned neighbour is lit: places are then by distance from where the fire began."""
    train = split([(0, item) for item in range(4)] + [(user, user) for user in range(1, 4)] + [(4, 3), (4, 4)]).train
    graph = bipartite(train)
    seeds = np.arange(10)
    burnt = forest_fire.burning(graph.starts, graph.neighbours, seeds, 1e-9, np.random.default_rng(0))
    distance = networkx.single_source_shortest_path_length(networkx.Graph(edges(train)), ("user", 0))
    by_place = [distance["user" if node < 5 else "item", int(node % 5)] for node in np.argsort(burnt)]
    assert by_place == sorted(by_place)


@pytest.mark.parametrize("label", ["random-walk", "forest-fire"])
def test_rows_are_between_the_nodes_reached_first(split, drawer, label):
    rng = np.random.default_rng(0)
    toy = split([(user, int(item)) for user in range(30) for item in rng.choice(40, user % 9 + 2, replace=False)])
    kept = drawer(toy).draw(label, Budget(0.3)).rows
    train = toy.train
    users, items = np.unique(train.user[kept]), np.unique(train.item[kept])
    inside = np.isin(train.user, users) & np.isin(train.item, items)
    # A row between two nodes of the sample is missing only where the last node's rows did not all fit.
    assert inside.sum() - len(kept) < max(np.bincount(train.user).max(), np.bincount(train.item).max())


def test_loops_are_compiled_where_no_folder_takes_a_cache(monkeypatch):
    njit = numba.njit

    def without_folder(*signature, cache=False):
        if cache:
            raise RuntimeError("cannot cache function 'visit': no locator available")
        return njit(*signature)

    monkeypatch.setattr(numba, "njit", without_folder)
    visit = compiled(lambda starts, neighbours, seeds, chance, rng: starts + len(neighbours))
    found = visit(np.arange(3), np.zeros(2, np.int32), np.arange(3), 0.5, np.random.default_rng(0))
    assert found.tolist() == [2, 3, 4]
    assert visit.signatures, "a sampler would have waited for it"


def _run(train, method, seed):
    graph, rng = bipartite(train), np.random.default_rng(seed)
    seeds = rng.permutation(np.flatnonzero(np.diff(graph.starts)))
    if method == "walk":
        return random_walk.first_visits(graph.starts, graph.neighbours, seeds, 0.1, rng)
    return forest_fire.burning(graph.starts, graph.neighbours, seeds, 0.4, rng)


def _slow_walk(neighbours, count, rng):
    found = []
    while len(found) < len(neighbours):
        start = node = rng.choice(sorted(set(neighbours) - set(found)))
        found.append(start)
        idle = 0
        while idle < 1000 and len(found) < len(neighbours):
            node = start if rng.random() < 0.1 else rng.choice(neighbours[node])
            idle += 1
            if node not in found:
                found.append(node)
                idle = 0
    return _places(found, count)


def _slow_fire(neighbours, count, rng):
    found, embers = [], []
    while len(found) < len(neighbours):
        glowing = [node for node in embers[-100:] if node not in found]
        front = [glowing[-1] if glowing else rng.choice(sorted(set(neighbours) - set(found)))]
        found += front
        while front:
            node = front.pop(0)
            fresh = [each for each in dict.fromkeys(neighbours[node]) if each not in found]
            lit = 1
            while rng.random() >= 0.4:
                lit += 1
            rng.shuffle(fresh)
            front += fresh[:lit]
            found += fresh[:lit]
            embers += fresh[lit:]
    return _places(found, count)


def _places(found, count):
    places = np.full(count, -1)
    places[found] = np.arange(len(found))
    return places
