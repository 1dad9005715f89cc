"""The images of a task."""

from dataclasses import dataclass
from functools import cached_property

from core.tasks.datasets import load_dataset
from core.tasks.images import TEST, TRAIN, VALIDATION, Examples, ImageSet
from core.tasks.task import Task


@dataclass(frozen=True)
class TaskData:
    """A task's examples by split, each cut out when first asked for; labels count in the order of its classes."""

    task: Task
    images: ImageSet

    @cached_property
    def train(self) -> Examples:
        """What runs learn from."""
        return self.images.part(TRAIN, self.task.classes)

    @cached_property
    def validation(self) -> Examples:
        """What runs are measured on while they go."""
        return self.images.part(VALIDATION, self.task.classes)

    @property
    def test(self) -> Examples:
        """Touched once, at the end of a run; not kept."""
        return self.images.part(TEST, self.task.classes)

    @property
    def size(self) -> int:
        """Side of the square images, in pixels."""
        return int(self.images.images.shape[1])


def load_task(task: Task) -> TaskData:
    """The images of a task; raises as `load_dataset` does where its data set is not here."""
    return TaskData(task, load_dataset(task.dataset))
