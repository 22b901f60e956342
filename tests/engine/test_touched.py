"""Steps that touch the rows of their batch: what SGD does to whole tables, and nothing elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from recbench.contracts.batches import RatingsBatch
from recbench.contracts.protocols import Stage
from recbench.engine.tables import ItemTable, UserTable


class Factors(nnx.Module):
    def __init__(self, shape, key):
        self.mean = nnx.Param(jnp.zeros(()))
        self.user = UserTable(jax.random.normal(key, (shape.num_users, 3)))
        self.item = ItemTable(jax.random.normal(jax.random.fold_in(key, 1), (shape.num_items, 3)))
        self.bias = ItemTable(jnp.zeros(shape.num_items))

    def loss(self, batch, context):
        user = self.user[batch.users]
        own = jnp.sum(user * self.item[batch.items], axis=1) + self.bias[batch.items]
        if isinstance(batch, RatingsBatch):
            return jnp.square(self.mean[...] + own - batch.ratings)
        others = jnp.einsum("bd,bnd->bn", user, self.item[batch.negatives]) + self.bias[batch.negatives]
        return jax.nn.softplus(others - own[:, None]).mean(axis=1) + jnp.square(self.mean[...] - 1)

    def score(self, query):
        return self.user[query.users] @ self.item[...].T + self.bias[...][None, :]

    def predict(self, query, rows, items):
        return jnp.sum(self.user[query.users[rows]] * self.item[items], axis=1)


@dataclass(frozen=True)
class Toy:
    kind: str
    updates: str
    optimizer: object
    size: int = 32

    def __call__(self):
        return self

    def stages(self, feedback, hyper):
        build = lambda shape, *, hyper, key, earlier: Factors(shape, key)  # noqa: E731
        return [Stage(build, self.kind, batch_size=self.size, negatives=3, optimizer=self.optimizer,
                      updates=self.updates)]  # fmt: skip


def trained(bench, data, sample, **toy):
    made = type("Factory", (), {"stages": Toy(**toy).stages})
    one = bench(data, made)
    fitted = one.fit(one.run(sample), one.run(sample, seed=1), epochs=3, validate_every=3)
    return jax.tree.map(np.asarray, nnx.to_pure_dict(fitted.states.params))


@pytest.mark.parametrize("kind", ["ratings", "pairs"])
@pytest.mark.parametrize("side_by_side", [False, True])
def test_sgd_is_the_same_on_rows_and_on_tables(kind, side_by_side, explicit, implicit, bench, sample_of, monkeypatch):
    """Users and items come several times in a batch; the last batch of an epoch is not full."""
    monkeypatch.setattr("recbench.engine.programs.in_turn", lambda: not side_by_side)
    monkeypatch.setattr("recbench.engine.train.in_turn", lambda: not side_by_side)
    data = explicit if kind == "ratings" else implicit
    sample, sgd = sample_of(data.split, 0.7), lambda hyper: optax.sgd(0.1)
    rows, tables = (trained(bench, data, sample, kind=kind, optimizer=sgd, updates=each) for each in ("rows", "tables"))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), rows, tables)


def test_lazy_adam_leaves_alone_what_no_batch_reads(explicit, bench, sample_of):
    data, sample = explicit, sample_of(explicit.split, 0.1)
    adam = lambda hyper: optax.chain(optax.add_decayed_weights(0.1), optax.adam(0.05))  # noqa: E731
    start = trained(bench, data, sample, kind="ratings", optimizer=lambda hyper: optax.sgd(0.0), updates="tables")
    rows = trained(bench, data, sample, kind="ratings", optimizer=adam, updates="rows")
    kept = data.split.train.take(sample.rows)
    for table, seen, count in (("user", kept.user, 40), ("item", kept.item, 30)):
        untouched = np.setdiff1d(np.arange(count), seen)
        moved = np.abs(rows[table] - start[table]).max(axis=(0, 2)) > 0
        assert len(untouched) and not moved[untouched].any()
        assert moved[np.unique(seen)].all()


def test_lazy_adam_is_adam_where_every_row_is_read_in_every_step(explicit, bench, sample_of):
    sample = sample_of(explicit.split)
    kept = explicit.split.train.take(sample.rows)
    assert len(np.unique(kept.user)) == 40 and len(np.unique(kept.item)) == 30
    given = {"kind": "ratings", "optimizer": lambda hyper: optax.adam(0.05), "size": 512}
    assert len(kept) <= 512
    rows, tables = (trained(bench, explicit, sample, updates=each, **given) for each in ("rows", "tables"))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4), rows, tables)


def test_a_stage_says_what_it_cannot_update():
    with pytest.raises(ValueError, match="not 'row'"):
        Stage(Factors, "pairs", updates="row")
    with pytest.raises(ValueError, match="a batch of sequences has other ids"):
        Stage(Factors, "sequences", updates="rows")
