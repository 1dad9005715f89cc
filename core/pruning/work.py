"""A run in progress: everything the pruning loop does to the network, one small step a method."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn

from core.backbones.architectures import head_of
from core.backbones.backbone import Backbone
from core.channels.budget import Allowance, Budget, relative, standings
from core.channels.files import PrunedModel
from core.channels.groups import ChannelGroups
from core.channels.rebuild import state_of
from core.channels.selection import Selection
from core.channels.slim import resized, slim
from core.criteria.scores import Scores, keep_best
from core.errors import DivergedError
from core.pruning.config import RunConfig
from core.pruning.engine import ENGINE
from core.pruning.events import Checkpoint, Evaluation, Event, Finished, PhaseChanged, Pruned, Step
from core.pruning.ground import Ground, ground_of
from core.pruning.images import augmented, augments, balanced_rows, batch_rows, members_of, normalised
from core.pruning.inherit import inherit, reinitialise
from core.pruning.meter import Meter
from core.pruning.methods import METHODS
from core.pruning.metrics import Measures, by_class, measures_of
from core.pruning.optimizer import cut_momenta, momenta, optimizer_for, with_momenta
from core.pruning.readout import prototype_head, reestimate_batchnorm
from core.pruning.schedule import Schedule, schedule_of
from core.pruning.scoring import Scoring
from core.tasks.data import TaskData
from core.tasks.findings import skipped_record
from core.tasks.images import Examples, fingerprint
from core.tasks.task import Task
from core.voting import Ballot, Votes, ballot_of, elect, revote, votes

Neighbour = tuple[PrunedModel, float]  # a zoo's pruned model and its similarity to the target


class Pruning:
    """A run in progress: the current slim network, its selection, optimiser, gathered importance and account."""

    def __init__(
        self,
        config: RunConfig,
        task: Task,
        data: TaskData,
        backbone: Backbone,
        neighbours: Sequence[Neighbour],
        spent: dict[str, float] | None,
        mask: Selection | None = None,
        ground: Ground | None = None,
    ) -> None:
        self.mask = mask
        self.config, self.task, self.data, self.backbone, self.neighbours = config, task, data, backbone, neighbours
        self.voters = None if config.neighbours == "all" else config.k
        self.meter = Meter(spent)
        self.schedule: Schedule = schedule_of(config)
        self.ground = ground or ground_of(task, data, backbone, config.seed)
        self.train_images, self.train_labels = self.ground.train
        self.held_images, self.held_labels = self.ground.held
        self.ready_images, self.ready_labels = self.ground.ready
        self.members = members_of(self.train_labels) if config.sampling == "balanced" else None
        self.augments = augments(config.iterations, config.batch, len(self.train_labels))
        torch.manual_seed(config.seed)
        self.model: nn.Module = copy.deepcopy(self.ground.dense)
        self.groups: ChannelGroups = self.ground.groups
        self.selection = Selection.full(self.groups.sizes)
        self.params, self.macs = self.dense = self.size_of(self.selection)
        self.allowance = Allowance(config.budget, self.groups.sizes, self.ground.layers, len(task.classes))
        self.budgeted = METHODS[config.method].removes and mask is None
        if self.budgeted:
            self.allowance.counts()  # refuses, before any training, what cannot be hit
        criterion = METHODS[config.method].criterion
        self.scoring = None if criterion is None else Scoring(criterion, self.groups, config.seed)
        self.tie_break: Scores = self.ground.tie_break
        self.importance: Scores = self.tie_break
        self.optimizer = optimizer_for(self.model, config.learning_rate)
        self.rounds: list[dict[str, Any]] = []
        self.iteration = 0

    # -- before training

    def prepare(self) -> Iterator[Event]:
        """Choose channels where the method does so before training; then BatchNorm, head, and a first evaluation."""
        method, keep = METHODS[self.config.method], self.schedule.first_keep
        if method.needs_zoo:
            counted = votes(self.ballots(self.neighbours[: self.voters], keep), self.config.weighting)
            self.narrow(self.elect(counted, keep))
        elif self.mask is not None:
            self.narrow(self.mask)
        elif method.when == "before training":
            self.importance = self.scores()
            self.narrow(self.best(self.importance, keep))
        if method.when != "after scoring":  # scores are the backbone's: weights change once they have decided
            self.set_weights()
        if method.when == "before training":
            yield self.pruned(keep)
        self.make_ready()
        yield self.evaluation()

    def set_weights(self) -> None:
        """Kept entries start where the run says: at the backbone's (as they are), the neighbours' mean, or chance's."""
        if self.config.weights == "neighbours":
            head = head_of(self.model)[0]
            shared = [(state_of(model), model.selection) for model, _ in self.neighbours[: self.voters]]
            start = inherit(
                self.model.state_dict(), self.groups, self.selection, shared, leave=(f"{head}.weight", f"{head}.bias")
            )
            self.model = resized(self.model, start)
        elif self.config.weights == "reinitialised":
            torch.manual_seed(self.config.seed)
            reinitialise(self.model)
        self.optimizer = optimizer_for(self.model, self.config.learning_rate)

    def vote_again(self, keep: float, evidence: Scores) -> Selection:
        """Dynamic voting: the neighbours that agree most with the target's importance so far vote on what is left."""
        ballots = self.ballots(self.neighbours, keep)
        agreement = {ballot.task: agreeing(ballot, evidence, self.selection) for ballot in ballots}
        counted = revote(ballots, agreement, self.selection, self.voters, self.config.weighting)
        return self.elect(counted, keep)

    def ballots(self, neighbours: Sequence[Neighbour], keep: float) -> list[Ballot]:
        """What these neighbours vote with at a keep ratio."""
        voted_at = self.allowance.voted_at(keep)
        return [ballot_of(model, similarity, voted_at) for model, similarity in neighbours]

    def elect(self, counted: Votes, keep: float) -> Selection:
        """The channels that win; ties go to the backbone's own importance."""
        sample, seed = self.config.sample, self.config.seed
        chosen = elect(counted, self.allowance, self.tie_break, keep, sample, seed, self.selection.counts)
        self.importance = {title: counted.table(title) for title in self.groups.sizes}
        return chosen

    def best(self, scores: Scores, keep: float) -> Selection:
        """The best-scored channels, as many of each group as the budget leaves at this keep ratio."""
        across = None
        if self.config.allocation == "global":
            there = {title: self.selection.mask(title) for title in scores}
            across = standings(relative(scores), there=there)
        return keep_best(scores, self.allowance.counts(keep, across, self.selection.counts), self.selection)

    def make_ready(self) -> None:
        """BatchNorm statistics and a prototype head from training images: two forward passes over them, counted."""
        self.settle()
        prototype_head(self.model, self.ready_images, self.ready_labels)
        self.meter.forward(self.macs, len(self.ready_labels))

    def settle(self) -> None:
        """BatchNorm statistics of the network as it is now.

        Running averages lag behind weights that change this fast: without this, accuracy dips for the first iterations.
        """
        self.meter.forward(self.macs, reestimate_batchnorm(self.model, self.ready_images, self.config.seed))

    # -- surgery

    def size_of(self, selection: Selection) -> tuple[int, int]:
        """(parameters, MACs) of the slim network with that selection."""
        size = self.ground.layers.size(selection.counts, len(self.task.classes))
        return size.params, size.macs

    def narrow(self, selection: Selection) -> None:
        """Slim the network to a selection within the present one; momentum is cut along."""
        buffers = cut_momenta(momenta(self.model, self.optimizer), self.groups, selection, self.selection)
        self.model = slim(self.model, self.groups, selection, within=self.selection)
        self.optimizer = with_momenta(self.model, self.config.learning_rate, buffers)
        self.selection = selection
        self.params, self.macs = self.size_of(selection)

    def prune(self, keep: float) -> Event:
        """One pruning round by what was gathered since the last; after a one-shot round the head is made anew."""
        found = self.scores()
        if METHODS[self.config.method].needs_zoo:
            self.narrow(self.vote_again(keep, found))
        else:
            gone = {title: self.importance[title] * ~self.selection.mask(title) for title in found}
            self.importance = {title: found[title] + gone[title] for title in found}
            self.narrow(self.best(found, keep))
        if self.scoring is not None:
            self.scoring.clear()
        if self.schedule.scoring:
            self.set_weights()
            self.make_ready()
        return self.pruned(keep)

    def scores(self) -> Scores:
        """Every channel scored by the method's own criterion; the images it looks at are paid for."""
        assert self.scoring is not None, f"{self.config.method} names no criterion"
        found, images = self.scoring.scores(self.model, self.selection, self.scoring_batches)
        self.meter.forward(self.macs, images)
        return found

    def scoring_batches(self) -> list[Tensor]:
        """The training images of the iterations that score channels."""
        return [self.train_images[self.rows(number)] for number in range(self.schedule.scoring)]

    def pruned(self, keep: float) -> Pruned:
        """Write the round down, and say it."""
        kept = {title: len(channels) for title, channels in self.selection.kept.items()}
        ratio = keep if self.config.budget.by_groups else self.selection.keep_ratio()
        self.rounds.append({"iteration": self.iteration, "keep": ratio, **self.selection.to_dict()})
        return Pruned(
            self.iteration, kept, dict(self.groups.sizes), self.selection.channel_sparsity, self.params, self.macs,
            self.meter.seconds,
        )  # fmt: skip

    # -- training

    def rows(self, iteration: int) -> Tensor:
        """The training images of one iteration."""
        batch, seed = self.config.batch, self.config.seed
        if self.members is not None:
            return balanced_rows(self.members, batch, iteration, seed)
        return batch_rows(len(self.train_labels), batch, iteration, seed)

    def train_step(self) -> Step:
        """One batch forward and backward; weights change unless this iteration only scores channels."""
        iteration, seed = self.iteration, self.config.seed
        torch.manual_seed(seed * 1_000_003 + iteration)  # dropout, where a network has it
        rate = self.schedule.learning_rate_at(iteration, self.config.learning_rate)
        scoring = iteration < self.schedule.scoring
        rows = self.rows(iteration)
        images = self.train_images[rows]
        self.model.train(not scoring)
        output = self.model(images if scoring or not self.augments else augmented(images, iteration, seed))
        loss = nn.functional.cross_entropy(output, self.train_labels[rows])
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if self.scoring is not None and (scoring or self.schedule.gathers):
            self.scoring.see(self.model, self.selection)
        if not scoring:
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            self.optimizer.step()
        self.meter.training(self.macs, len(rows))
        self.iteration += 1
        return Step(self.iteration, loss.item(), rate, self.meter.seconds)

    def diverged(self) -> DivergedError:
        """What is said of a network whose outputs are no finite numbers."""
        told, cost = (
            f"The run for {self.task.id} diverged: the network's outputs are no finite numbers",
            self.meter.cost(),
        )
        if self.iteration == 0:
            return DivergedError(f"{told} before any training; choose another backbone or starting weights.", cost)
        rate = f"{self.config.learning_rate:g}"
        return DivergedError(f"{told} after {self.iteration} iterations; lower its learning rate, {rate}.", cost)

    @torch.no_grad()
    def measure(self, images: Tensor, labels: Tensor) -> Measures:
        """How good the network is on these images, in eval mode."""
        self.model.eval()
        logits = torch.cat([self.model(part) for part in torch.split(images, 256)])
        self.meter.forward(self.macs, len(labels))
        if not bool(logits.isfinite().all()):
            raise self.diverged()
        return measures_of(logits, labels)

    def evaluation(self) -> Evaluation:
        """Accuracy on the validation split. On the way BatchNorm is settled on few images; at the end on all."""
        if self.iteration == self.schedule.iterations > 0:
            self.settle()
        with self.meter.monitoring():
            if 0 < self.iteration < self.schedule.iterations:
                glance = self.ground.glance
                self.meter.forward(self.macs, reestimate_batchnorm(self.model, glance, self.config.seed))
            found = self.measure(self.held_images, self.held_labels)
        return Evaluation(
            self.iteration, found.accuracy, found.loss, self.meter.seconds, found.balanced, found.by_class, found.top5
        )

    def phase(self, name: Any) -> PhaseChanged:
        """Say which phase begins."""
        return PhaseChanged(name, self.iteration, self.meter.seconds)

    # -- the end

    def finish(self) -> Finished:
        """Look at the test split, once, and settle the account."""
        test = self.data.test
        images, labels = normalised(test, self.backbone.mean, self.backbone.std)
        with self.meter.monitoring():
            found = self.measure(images, labels)
        achieved = {
            "keep": self.selection.keep_ratio(), "channel_sparsity": self.selection.channel_sparsity,
            "params": self.params, "macs": self.macs, **self.hit(),
        }  # fmt: skip
        budget = self.config.budget if METHODS[self.config.method].removes else Budget(1.0)
        requested = {**asdict(budget), "iterations": self.config.iterations}
        dense = {"params": self.dense[0], "macs": self.dense[1]}
        return Finished(
            self.iteration, found.accuracy, self.meter.cost(), requested, achieved, dense, self.meter.seconds,
            found.balanced, found.top5,
            by_class(self.task.classes, (self.train_labels, self.held_labels, labels), found.by_class),
            ENGINE, self.inputs(test),
        )  # fmt: skip

    def inputs(self, test: Examples) -> dict[str, Any]:
        """What a result has to share with another to be comparable, and the images that were skipped as unreadable."""
        images = fingerprint((self.data.train, self.data.validation, test))
        normalisation = [list(self.backbone.mean), list(self.backbone.std)]
        about = {"backbone_hash": self.backbone.hash, "image_size": self.data.size, "data": images}
        about["normalisation"] = normalisation
        return {**about, **skipped_record(self.data.images.findings.skipped)}

    def hit(self) -> dict[str, float]:
        """How near the budget was hit: the share kept in what it counts, and how far that is off, relative to it."""
        if not self.budgeted:
            return {}
        counts = self.selection.counts
        return {"share": self.allowance.share(counts), "deviation": self.allowance.deviation(counts)}

    def pruned_model(self, finished: Finished) -> PrunedModel:
        """The slim model with all that makes sense of it."""
        with self.meter.monitoring():
            accuracy = self.measure(self.held_images, self.held_labels).accuracy
        importance = {title: values.astype("float32") for title, values in self.importance.items()}
        origin = {
            "config": self.config.to_dict(), "validation_accuracy": accuracy, "cost": finished.cost,
            "requested": finished.requested, "achieved": finished.achieved, "dense": finished.dense,
            "engine": finished.engine, "inputs": finished.inputs,
        }  # fmt: skip
        return PrunedModel(
            self.backbone.architecture, self.backbone.id, self.backbone.hash, self.task.to_dict(), self.selection,
            self.backbone.mean, self.backbone.std, self.data.size,
            {name: value.detach().numpy() for name, value in self.model.state_dict().items()}, importance,
            tuple(self.rounds), origin,
        )  # fmt: skip

    # -- interruption

    def checkpoint(self) -> Checkpoint:
        """All that decides the rest of the run."""
        state = {f"model/{name}": t.clone() for name, t in self.model.state_dict().items()}
        state |= {f"momentum/{name}": t.clone() for name, t in momenta(self.model, self.optimizer).items()}
        gathered = {} if self.scoring is None else self.scoring.state
        state |= {f"scores/{name}": tensor.clone() for name, tensor in gathered.items()}
        state |= {f"importance/{name}": torch.from_numpy(v.copy()) for name, v in self.importance.items()}
        about = {
            "selection": self.selection.to_dict(), "rounds": list(self.rounds), "spent": self.meter.spent(),
            "batches": 0 if self.scoring is None else self.scoring.batches, "engine": ENGINE,
        }  # fmt: skip
        return Checkpoint(self.iteration, state, about)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint of the same config."""

        def part(prefix: str) -> dict[str, Tensor]:
            return {k.removeprefix(prefix): v for k, v in checkpoint.state.items() if k.startswith(prefix)}

        self.iteration = checkpoint.iteration
        self.selection = Selection.from_dict(checkpoint.about["selection"])
        self.model = resized(self.model, part("model/"))
        self.optimizer = with_momenta(self.model, self.config.learning_rate, part("momentum/"))
        if self.scoring is not None:
            self.scoring.restore(part("scores/"), checkpoint.about["batches"])
        self.importance = {name: value.numpy() for name, value in part("importance/").items()}
        self.rounds = list(checkpoint.about["rounds"])
        self.meter = Meter(self.meter.added(checkpoint.about["spent"]))
        self.params, self.macs = self.size_of(self.selection)


def agreeing(ballot: Ballot, evidence: Scores, within: Selection) -> float:
    """Mean over channel groups of the share of the target's importance that lies on channels the neighbour kept."""
    shares = []
    for title, values in evidence.items():
        there = within.mask(title)
        total = float(values[there].sum())
        shares.append(float(values[there & ballot.selection.mask(title)].sum()) / total if total else 0.0)
    return sum(shares) / len(shares)
