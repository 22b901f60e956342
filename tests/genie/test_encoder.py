"""The encoder of graphs: names and padding mean nothing to it, its loss is that of the definition, and it learns."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from flax import nnx
from recbench_genie import encoder as encoders
from recbench_genie.encoder import Encoder, embed, encoder_arrays, encoder_from
from recbench_genie.graphs import CHUNK, Room, build_graph, few_rooms, join, least_room
from recbench_genie.infograph import EncoderSettings, InfoGraph, _minibatches, train_encoder

from recbench import Interactions, RecbenchError

SMALL = EncoderSettings(hidden=16, layers=2, steps=160, batch_graphs=8, learning_rate=0.003)


def interactions(user, item, users=None, items=None):
    user, item = np.asarray(user, np.int32), np.asarray(item, np.int32)
    shape = users or int(user.max(initial=0)) + 1, items or int(item.max(initial=0)) + 1
    return Interactions(user, item, np.ones(len(user), np.float32), None, *shape)


def planted(skew, seed, *, users=80, items=60, rows=600):
    """Popularity falls as 1 / rank^skew; users are all alike."""
    random = np.random.default_rng(seed)
    chance = np.arange(1.0, items + 1) ** -skew
    user = np.sort(random.integers(users, size=rows))
    return interactions(user, random.choice(items, rows, p=chance / chance.sum()), users, items)


def families(seeds):
    """Flat and steep logs in turn, of sizes that do not tell which is which."""
    sizes = [np.random.default_rng((7, seed)).integers(50, 100, 2) for seed in seeds]
    return [
        build_graph(planted(seed % 2 * 1.2, seed, users=int(users), items=int(items), rows=int(users) * 7))
        for seed, (users, items) in zip(seeds, sizes, strict=True)
    ]


@pytest.fixture(scope="module")
def encoder():
    return Encoder(hidden=8, layers=3, key=jax.random.key(0))


@pytest.fixture(scope="module")
def learned():
    """An encoder of planted families, and the losses on the way."""
    losses = []
    trained = train_encoder(families(range(24)), SMALL, seed=0, progress=lambda *report: losses.append(report))
    return trained, losses


def affine(layer, x):
    return x @ np.asarray(layer.kernel[...]) + (0 if layer.bias is None else np.asarray(layer.bias[...]))


def gaps(first, second):
    return np.linalg.norm(first[:, None] - second[None], axis=2)


# --- graphs -----------------------------------------------------------------------------------------------------------


def test_nodes_are_known_by_log_degree_and_side_alone():
    graph = build_graph(interactions([4, 4, 4, 9], [2, 2, 0, 2], users=20, items=5))
    assert graph.users.tolist() == [0, 0, 0, 1] and graph.items.tolist() == [3, 3, 2, 3]
    degrees = np.expm1(5 * graph.features[:, 0].astype(float))
    np.testing.assert_allclose(degrees, [3, 1, 1, 3], rtol=1e-5)
    assert graph.features[:, 1].tolist() == [1, 1, -1, -1] and (graph.weights == 1).all()


def test_a_log_without_rows_is_refused_with_one_sentence():
    with pytest.raises(RecbenchError, match="the log has no rows"):
        build_graph(interactions([], [], users=3, items=3))


def test_of_a_large_log_whole_users_stay_but_for_the_last():
    log = planted(1.0, 0, users=300, items=50, rows=3000)
    graph, again, other = (build_graph(log, seed=seed, most_edges=1000) for seed in (0, 0, 1))
    assert len(graph.users) == 1000
    users = graph.features[:, 1] > 0
    degrees = np.rint(np.expm1(5 * graph.features[:, 0].astype(float)))
    kept = np.bincount(graph.users, minlength=users.sum())
    assert (kept == degrees[users]).sum() >= users.sum() - 1
    assert sorted(degrees[~users])[-1] == np.bincount(log.item).max(), "degrees are those of the whole log"
    assert graph.weights[users].sum() == pytest.approx(300, rel=0.02)
    assert graph.weights[~users].sum() == pytest.approx(50, rel=0.2)
    assert all(np.array_equal(getattr(graph, name), getattr(again, name)) for name in ("users", "items", "features"))
    assert not np.array_equal(graph.users, other.users)


# --- the encoder ------------------------------------------------------------------------------------------------------


def test_names_and_the_order_of_rows_mean_nothing(encoder):
    log, random = planted(1.0, 3), np.random.default_rng(0)
    rows = random.permutation(len(log))
    renamed = interactions(random.permutation(80)[log.user][rows], random.permutation(60)[log.item][rows], 80, 60)
    first, second = embed(encoder, [build_graph(log), build_graph(renamed)])
    np.testing.assert_allclose(first, second, atol=1e-5)


def test_layers_are_those_of_the_formula(encoder):
    """One graph with a dense matrix, in NumPy: the mean over neighbours, times the scaled log degree."""
    graph = build_graph(planted(1.0, 4))
    count = len(graph.weights)
    links = np.zeros((count, count))
    np.add.at(links, (graph.users, graph.items), 1)
    links += links.T
    nodes, outputs = graph.features.astype(float), []
    for layer in encoder.layers:
        near = graph.features[:, :1] * (links @ nodes) / links.sum(axis=1, keepdims=True)
        hidden = affine(layer.own, nodes) + affine(layer.near, near)
        hidden = (hidden - hidden.mean(axis=1, keepdims=True)) / np.sqrt(hidden.var(axis=1, keepdims=True) + 1e-6)
        nodes = np.maximum(affine(layer.out, np.maximum(hidden, 0)), 0)
        outputs.append(nodes)
    wanted = np.concatenate(outputs, axis=1)
    (found,) = embed(encoder, [graph])
    np.testing.assert_allclose(found, np.concatenate([wanted.mean(axis=0), wanted.max(axis=0)]), atol=2e-4)


def test_padding_and_other_graphs_change_nothing(encoder):
    graphs = families(range(4))
    alone = np.concatenate([embed(encoder, [graph]) for graph in graphs])
    np.testing.assert_allclose(embed(encoder, graphs), alone, atol=1e-5)
    nodes, edges, count = least_room(graphs)
    roomy = encoders._read(encoder, join(graphs, Room(nodes + 777, edges + 2 * CHUNK, count + 3)))
    np.testing.assert_allclose(roomy[:4], alone, atol=1e-5)
    assert not roomy[4:].any()


def test_hundreds_of_graphs_of_all_sizes_need_few_programs(encoder):
    before = encoders._read._cache_size()
    sizes = np.random.default_rng(0).integers(1, 900, 300)
    made = embed(encoder, [build_graph(planted(0.5, 1, rows=int(size))) for size in sizes])
    assert made.shape == (300, encoder.width) and np.isfinite(made).all()
    assert encoders._read._cache_size() - before <= 4
    assert embed(encoder, []).shape == (0, encoder.width)


@pytest.mark.parametrize(
    "pairs", [([0], [0]), (np.zeros(40), np.arange(40)), (np.arange(40), np.zeros(40)), ([0] * 9, [0] * 9)]
)
def test_one_edge_one_user_and_one_item_are_finite(encoder, pairs):
    for most_edges in (2**17, 5):
        assert np.isfinite(embed(encoder, [build_graph(interactions(*pairs), most_edges=most_edges)])).all()


def test_degrees_of_ten_thousand_stay_bounded(encoder):
    few, many = (embed(encoder, [build_graph(interactions(np.arange(n), np.zeros(n)))]) for n in (10, 20_000))
    assert abs(many).max() < 5 * abs(few).max()


def test_a_sample_is_near_another_one_and_the_whole_log(learned):
    """Embeddings of samples of a quarter, against the distance between the families."""
    trained, _ = learned
    flat, steep = (planted(skew, 5, users=2000, items=200, rows=16_000) for skew in (0.0, 1.2))
    whole, other = embed(trained, [build_graph(flat), build_graph(steep)])
    samples = embed(trained, [build_graph(flat, seed=seed, most_edges=4000) for seed in range(3)])
    between = np.linalg.norm(whole - other)
    assert gaps(samples, samples).max() < 0.4 * between
    assert gaps(samples, whole[None]).max() < 0.4 * between


# --- training ---------------------------------------------------------------------------------------------------------


def test_the_loss_is_that_of_the_definition():
    model = InfoGraph(SMALL, key=jax.random.key(1))
    graphs = families(range(3))
    batch = join(graphs, few_rooms(graphs, most_graphs=5))

    def head(made, x):
        hidden = x
        for layer in made.layers:
            hidden = np.maximum(affine(layer, hidden), 0)
        return hidden + affine(made.skip, x)

    vectors = np.asarray(model.encoder.nodes(batch), float)
    of_graphs = head(model.of_graph, embed(model.encoder, graphs).astype(float))
    own, other = [], []
    for number in range(3):
        scores = head(model.of_node, vectors[np.asarray(batch.graph) == number]) @ of_graphs.T
        own.append(np.logaddexp(0, -scores[:, number]))
        other.append(np.logaddexp(0, np.delete(scores, number, axis=1)).ravel())
    wanted = np.concatenate(own).mean() + np.concatenate(other).mean()
    assert float(jax.jit(InfoGraph.loss)(model, batch)) == pytest.approx(wanted, rel=1e-4)


def test_steps_lower_the_loss(learned):
    _, losses = learned
    assert [step for step, _, _ in losses] == list(range(10, 161, 10)) and {total for _, total, _ in losses} == {160}
    values = [loss for _, _, loss in losses]
    assert values[0] > np.mean(values[-5:]) and np.mean(values[-5:]) < 2 * np.log(2) - 0.1, "less than of no knowledge"


def test_unseen_logs_lie_nearest_to_their_own_family(learned):
    trained, _ = learned
    known, unseen = (embed(trained, families(seeds)) for seeds in (range(24), range(100, 120)))
    nearest = gaps(unseen, known).argmin(axis=1)
    assert (nearest % 2 == np.arange(20) % 2).mean() >= 0.9


def test_a_seed_gives_the_same_encoder_and_another_one_another():
    graphs, few = families(range(5)), EncoderSettings(hidden=4, layers=1, steps=5, batch_graphs=2)
    first, again, other = (encoder_arrays(train_encoder(graphs, few, seed=seed)) for seed in (0, 0, 1))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["layers.0.own.kernel"], other["layers.0.own.kernel"])


@pytest.mark.parametrize(("count", "most"), [(2, 16), (5, 2), (60, 16), (3, 1)])
def test_no_graph_is_alone_in_its_minibatch(count, most):
    parts = list(_minibatches(count, EncoderSettings(steps=7, batch_graphs=most), seed=0))
    assert len(parts) == 7 and all(2 <= len(set(part.tolist())) == len(part) <= max(most, 3) for part in parts)


def test_one_graph_is_too_few():
    with pytest.raises(RecbenchError, match="there are 1: give two or more"):
        train_encoder(families([0]), SMALL, seed=0)


# --- weights in a file ------------------------------------------------------------------------------------------------


def test_weights_go_out_and_come_back(encoder):
    arrays, graphs = encoder_arrays(encoder), families(range(2))
    again = encoder_from(arrays)
    assert np.array_equal(embed(again, graphs), embed(encoder, graphs))
    assert all(array.dtype == np.float32 for array in arrays.values())


def test_an_encoder_of_the_default_size_is_small():
    made = Encoder(hidden=EncoderSettings().hidden, layers=EncoderSettings().layers, key=jax.random.key(0))
    weights = sum(array.size for array in encoder_arrays(made).values())
    assert weights == sum(leaf.size for leaf in jax.tree.leaves(nnx.state(made))) and 4 * weights < 2**16


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (dict.clear, "it has no layers.0.out.bias of one axis"),
        (lambda arrays: arrays.update({"layers.0.out.bias": np.float32(1)[None, None]}), "of one axis"),
        (lambda arrays: arrays.pop("layers.1.near.kernel"), "it lacks layers.1.near.kernel"),
        (lambda arrays: arrays.update(weight=np.zeros(3, np.float32)), "it has an array weight, which none has"),
        (lambda arrays: arrays.update({"layers.9.out.bias": np.zeros(8, np.float32)}), "it lacks layers.3"),
        (
            lambda arrays: arrays.update({"layers.0.own.kernel": np.zeros((3, 8), np.float32)}),
            r"layers.0.own.kernel is float32\[3, 8\], not float32\[2, 8\]",
        ),
        (
            lambda arrays: arrays.update({"layers.0.own.bias": np.zeros(8)}),
            r"layers.0.own.bias is float64\[8\], not float32\[8\]",
        ),
        (
            lambda arrays: arrays.update({"layers.0.own.bias": np.full(8, np.nan, np.float32)}),
            "layers.0.own.bias has values that are not finite",
        ),
    ],
)
def test_foreign_arrays_are_refused_with_one_sentence(encoder, change, said):
    arrays = encoder_arrays(encoder)
    change(arrays)
    with pytest.raises(RecbenchError, match=said) as refused:
        encoder_from(arrays)
    assert str(refused.value).startswith("these arrays are not those of a graph encoder: ")
