"""`tf.strings` makes what TensorFlow 1.15's makes."""

from __future__ import annotations

import pytest

from tests.expressions import Expressions

FOUND = Expressions("strings")
LINES = FOUND.marked(
    AsString="tf.as_string(P('2x3'))",
    Fingerprint="tf.fingerprint(['a', 'bcd'])",
    ReduceJoin="tf.reduce_join([['a', 'b'], ['c', 'd']])",
    RegexFullMatch="tf.strings.regex_full_match(['abc', 'x1'], tf.constant",
    RegexReplace="tf.regex_replace(['foo bar'], tf.constant",
    StaticRegexFullMatch="tf.strings.regex_full_match(['abc', 'abcd', ''], 'a.c')",
    StaticRegexReplace="tf.regex_replace(['aaa', 'b'], 'a*', '-')",
    StringLength="tf.strings.length(['abc', 'ü', ''])",
    StringLower="tf.strings.lower(['ABC', 'Ünder'])",
    StringSplit="tf.string_split(['abc', 'de'], '')",
    StringSplitV2="tf.strings.split(['a b  c', 'd'])",
    StringStrip="tf.string_strip(",
    StringToHashBucket="tf.string_to_hash_bucket(['a', 'bb'",
    StringToHashBucketFast="tf.strings.to_hash_bucket_fast(",
    StringToHashBucketStrong="tf.string_to_hash_bucket_strong([b'x'",
    StringToNumber="tf.string_to_number(input=['1', '2']",
    StringUpper="tf.strings.upper(['abc', 'ünder'])",
    UnsortedSegmentJoin="tf.strings.unsorted_segment_join([['a', 'b']",
)
#: lines that TensorFlow refuses in other words outside of graphs
IN_GRAPHS = ("['a'], 0)", "[0, 1, 1], 2)")
EAGER = [x for x in FOUND.lines if not any(part in x for part in IN_GRAPHS)]


@pytest.mark.parametrize("line", LINES)
def test_in_a_graph(line: str) -> None:
    FOUND.check(line)


@pytest.mark.parametrize("line", EAGER[::3])
def test_in_eager_mode(line: str) -> None:
    FOUND.check_eager(line)
