"""The images of a task."""

from dataclasses import dataclass
from functools import cached_property

from core.tasks.datasets import load_dataset
from core.tasks.images import TEST, TRAIN, VALIDATION, Examples, ImageSet
from core.tasks.task import Task


@dataclass(frozen=True)
class TaskData:
    """A task's examples by split, each cut out when first asked for; labels count in the order of its classes.

    side: the side of the square images, in pixels, to which each split is resized once; None as they are stored.
    """

    task: Task
    images: ImageSet
    side: int | None = None

    @cached_property
    def train(self) -> Examples:
        """What runs learn from."""
        return self._part(TRAIN)

    @cached_property
    def validation(self) -> Examples:
        """What runs are measured on while they go."""
        return self._part(VALIDATION)

    @property
    def test(self) -> Examples:
        """Touched once, at the end of a run; not kept."""
        return self._part(TEST)

    @property
    def size(self) -> int:
        """Side of the square images, in pixels."""
        return self.side or int(self.images.images.shape[1])

    @property
    def notices(self) -> list[str]:
        """What there is to say about its images before training, a sentence each."""
        return [f"{self.images.name}: {sentence}" for sentence in self.images.findings.sentences()]

    def _part(self, split: str) -> Examples:
        return self.images.part(split, self.task.classes).sized(self.size)


def load_task(task: Task, size: int | None = None, skip_unreadable: bool = False) -> TaskData:
    """The images of a task as squares of `size` pixels, which a backbone says; None as its data set stores them.

    Of a folder, no other class is read. skip_unreadable: leave out its images that cannot be decoded.
    Raises as `load_dataset` does if its data set is not here.
    """
    return TaskData(
        task, load_dataset(task.dataset, size=size, classes=task.classes, skip_unreadable=skip_unreadable), size
    )
