"""Write models with retrograd, for other versions of Keras to read.

python -m tests.data.write_keras_files FOLDER
python tests/data/make_keras_files.py read FOLDER tf1      (under that version)
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import retrograd as tf
from tests.data import keras_file_models as known


def main(folder: Path) -> None:
    """Write each model, and what it gives."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in known.MODELS.items():
        model = make(tf.keras.layers, tf.keras.models)
        model.train_on_batch(known.INPUTS[name], known.TARGETS[name])
        model.save(str(folder / f"{name}.h5"))
        found = model.predict(known.INPUTS[name])
        outputs = found if isinstance(found, list) else [found]
        np.savez_compressed(folder / f"{name}.npz", *outputs)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
