"""What run folders hold, apart from what differs between two trainings of the same."""

import json

import zoo

# What two runs of one configuration may differ in.
TIMES = ("cost", "provenance")


def contents(folder):
    """Return what a run's files hold, apart from costs and times."""
    found = {}
    for file in sorted(folder.glob("*/tiny/*/*")):
        name = file.relative_to(folder).as_posix()
        if file.name == "run.json":
            record = json.loads(file.read_text())
            found[name] = {key: value for key, value in record.items() if key not in TIMES}
        elif file.name == "history.csv":
            found[name] = [line.split(",") for line in file.read_text().splitlines()]
            columns = [index for index, title in enumerate(found[name][0]) if "second" not in title]
            found[name] = [[line[index] for index in columns] for line in found[name]]
        elif file.name == "model.keras":
            found[name] = [weight.tolist() for weight in zoo.load_model(file).get_weights()]
        elif file.suffix == ".png" and file.name != "loss_curve.png":
            found[name] = file.read_bytes()
    return found
