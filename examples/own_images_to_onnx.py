"""From a folder of your own images to an ONNX file: `python -m examples.own_images_to_onnx FOLDER`.

FOLDER has one sub-folder of images per class. The zoo that ships votes, whatever your images show.
"""

import argparse
from pathlib import Path

import core
from core.errors import MetaVoteError


def main() -> None:
    """Rank, prune, export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--to", type=Path, default=Path("slim.onnx"))
    parser.add_argument("--keep", type=float, default=0.2)
    parser.add_argument("--iterations", type=int, default=60)
    given = parser.parse_args()

    task = core.task(f"folder:{given.folder}")
    print(f"{len(task.classes)} classes: {', '.join(task.classes)}")
    run = core.prune(task, method="mvp", keep=given.keep, iterations=given.iterations)
    for point in run.curve:
        print(f"after {point.iteration:3d} iterations {point.accuracy:.0%} of the validation images are right")
    achieved, dense = run.result.achieved, run.result.dense
    print(f"{run.result.test_accuracy:.0%} of the test images are right")
    print(f"{achieved['params']:,} of {dense['params']:,} parameters, {achieved['macs']:,} of {dense['macs']:,} MACs")
    check = run.export("onnx", given.to)
    print(f"{given.to}: {check or 'not checked, as onnxruntime is not installed'}")


if __name__ == "__main__":
    try:
        main()
    except MetaVoteError as error:
        raise SystemExit(f"{error}") from None
