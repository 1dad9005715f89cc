"""Build a small zoo, and let it vote for a task that it has never seen: `python -m examples.small_zoo_and_vote`.

The zoo is kept in your user folder; run again, it is there already. Takes a minute or two on two cores.
"""

import argparse

import core

ANIMALS, FOOD, SIGNS = (
    ["animal-mammal", "animal-bird", "animal-marine"],
    ["food-fruit", "food-sweet"],
    ["arrow", "flag"],
)
EARLIER = [
    [*ANIMALS[:2], "plant"], [ANIMALS[0], ANIMALS[2], "sky-weather"], [*FOOD, "plant"], ["food-fruit", "tool", "heart"],
    [*SIGNS, "alphanum"], ["arrow", "heart", "tool"],
]  # fmt: skip


def main() -> None:
    """Build, rank, vote, prune."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--zoo", default="small-zoo", help="the new zoo's id (default: %(default)s)")
    parser.add_argument("--iterations", type=int, default=120, help="for each model (default: %(default)s)")
    given = parser.parse_args()

    tasks = [core.task("emoji", classes=classes) for classes in EARLIER]
    for step in core.build_zoo(given.zoo, tasks, iterations=given.iterations):
        print(f"{step.done} of {step.total}: {step.task}, validation accuracy {step.accuracy:.0%}")

    target = core.task("emoji", classes=[*ANIMALS, "food-fruit"])
    near = core.zoo(given.zoo).neighbours(target, k=3)
    for each in near:
        print(f"{each.similarity:7.3f}  {each.task.title}")

    votes = core.vote(near)
    group = votes.groups[-1]
    agreed = int((votes.table(group) == len(near)).sum())
    print(f"All {len(near)} kept the same {agreed} of {votes.sizes[group]} channels of {group}.")

    run = core.prune(target, zoo=given.zoo, k=3, keep=0.2, iterations=given.iterations // 2)
    print(f"{run.result.test_accuracy:.0%} of test images are right, {run.result.achieved['params']:,} parameters.")


if __name__ == "__main__":
    main()
