"""Trains the classifier of the digit features: ``python docs/digit_features.py``, two minutes on two cores.

Writes its arrays and what it reaches to zoo/evaluation/samples/. It needs the full MNIST. Scores of samples in another
feature space are other numbers: whoever trains it anew has to make docs/samplers.json anew.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "zoo" / "evaluation" / "samples"
EPOCHS, SEED = 8, 1


def main() -> None:
    """Train, round to float16, and test what is written."""
    import keras
    import numpy as np

    import zoo
    from zoo.evaluation.samples import digits as ours
    from zoo.files import write_json
    from zoo.weights.arrays import write_arrays

    keras.utils.set_random_seed(SEED)
    data = zoo.load_dataset("mnist")
    classifier = ours.build_classifier()
    trained = keras.Model(classifier.input, classifier.outputs[1])
    steps = EPOCHS * -(-len(data.train.images) // 128)
    trained.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps), weight_decay=1e-4),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    parts = {"train": data.train, "validation": data.validation, "test": data.test}
    scaled = {name: (part.images / np.float32(255), part.labels) for name, part in parts.items()}
    trained.fit(*scaled["train"], batch_size=128, epochs=EPOCHS, validation_data=scaled["validation"], verbose=2)
    arrays = {name: np.asarray(it, np.float16) for name, it in ours.name_arrays(classifier).items()}
    (TARGET / ours.ARRAYS).write_bytes(write_arrays(arrays))
    reached = {part: float((ours.recognise_digits(scaled[part][0]) == scaled[part][1]).mean()) for part in parts}
    write_json(
        TARGET / ours.FACTS,
        {
            "name": ours.NAME,
            "trained_on": "mnist",
            "images": len(data.train.images),
            "epochs": EPOCHS,
            "seed": SEED,
            "features": ours.SIZE,
            "dtype": "float16",
            "accuracy": reached,
        },
    )


if __name__ == "__main__":
    # Import the zoo from this checkout, not an installed one.
    sys.path.insert(0, str(ROOT))
    main()
