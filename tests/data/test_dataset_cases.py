"""Datasets of all kinds give what TensorFlow 1.15 gives (`dataset_cases.txt`)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import retrograd as tf
from tests.data.dataset_outcomes import cases, outcome

SAVED = json.loads((Path(__file__).parent / "datasets.json").read_text())


@pytest.mark.covers(
    *"""
    CSVDataset CacheDataset DatasetCardinality DatasetToSingleElement
    DenseToSparseBatchDataset DeserializeSparse DirectedInterleaveDataset
    GeneratorDataset GroupByReducerDataset GroupByWindowDataset IgnoreErrorsDataset
    InterleaveDataset MapAndBatchDataset ModelDataset OptimizeDataset
    PaddedBatchDatasetV2 ParallelInterleaveDataset ParallelInterleaveDatasetV2
    RandomDataset ReduceDataset ScanDataset SerializeManySparse SerializeSparse
    ShuffleAndRepeatDataset ShuffleDataset SparseTensorSliceDataset SqlDataset
    TakeWhileDataset UnbatchDataset UniqueDataset WindowDataset
    """.split()
)
def test_the_elements_are_those_of_1_15() -> None:
    assert set(SAVED) == set(cases())
    wrong = {}
    for text, wanted in SAVED.items():
        found = json.loads(json.dumps(outcome(tf, text)))
        if found != wanted:
            wrong[text] = found
    assert wrong == {}
