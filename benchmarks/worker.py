"""One contender in a process of its own: does its task once for each line on stdin, and prints the seconds."""

import argparse
import os
import resource
import sys
import time


def limit_threads(threads):
    """Return every library so many threads; before any is imported."""
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[name] = str(threads)
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"


def main():
    """Work until stdin ends, then print the most memory that the process had, MiB."""
    parser = argparse.ArgumentParser()
    for name in ("task", "contender", "network", "dataset"):
        parser.add_argument(name)
    parser.add_argument("--images", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    limit_threads(options.threads)
    sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", ".."))
    # What libraries print on stdout is no answer.
    answers, sys.stdout = sys.stdout, sys.stderr
    from contenders import TASKS

    import zoo

    images = zoo.load_dataset(options.dataset).train.images[: options.images]
    work = TASKS[options.task][options.contender](options.network, images)
    work()
    work()
    print("ready", file=answers, flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        work()
        print(time.perf_counter() - start, file=answers, flush=True)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, file=answers, flush=True)


if __name__ == "__main__":
    main()
