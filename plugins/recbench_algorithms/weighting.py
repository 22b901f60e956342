"""How much a user says of an item, and an item of a user: the weights of text retrieval, for neighbourhoods.

Of items as documents and their users as terms (or the other way round). tf-idf: a term weighs
idf = ln(documents) - ln(1 + documents with it), lengths are Euclidean. bm25: the same idf, and the length of a
document with n terms is (K1 (1 - B + B n / mean n) + 1) / (K1 + 1), which for 0/1 data is all there is to K1.
Source: Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009, equation 3.15; as weights
of a recommender in the library implicit, whose K1 and B these are.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

_K1, _B = 1.2, 0.75
CHOICES = ("none", "tf-idf", "bm25")


def term_weights(counts: Array, *, documents: Array, weighting: str) -> Array:
    """Weight of each term, shape [terms].

    Args:
      counts: documents with the term, float32 [terms].
      documents: how many documents have a term at all, scalar.
      weighting: one of ``CHOICES``.
    """
    if weighting == "none":
        return jnp.ones_like(counts)
    return jnp.maximum(jnp.log(jnp.maximum(documents, 1)) - jnp.log1p(counts), 0)


def lengths(squares: Array, counts: Array, *, mean: Array, weighting: str) -> Array:
    """Length of each document, shape [documents].

    Args:
      squares: sum of its squared weights, float32 [documents].
      counts: its terms, float32 [documents].
      mean: of the counts of all documents that have a term, scalar.
      weighting: one of ``CHOICES``.
    """
    if weighting != "bm25":
        return jnp.sqrt(squares)
    relative = counts / jnp.maximum(mean, 1e-12)
    return (_K1 * (1 - _B + _B * relative) + 1) / (_K1 + 1)


def filled(counts: Array) -> Array:
    """How many of them are not empty, float32 scalar."""
    return (counts > 0).sum().astype(jnp.float32)
