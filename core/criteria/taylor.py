"""First-order Taylor importance on channel gates: how much the loss would change if a channel fell silent.

Source: Molchanov et al., "Importance Estimation for Neural Network Pruning", arXiv 1906.10771. On BatchNorm's output
the gate's derivative is gamma * dL/dgamma + beta * dL/dbeta; its square is the score of one batch. Layers without
BatchNorm have that gate on their own output: sum of weight * dL/dweight, plus bias * dL/dbias. LayerNorm's output has
gates as BatchNorm's has. An attention head's gate is on its values, to which its output is proportional. Where a
channel has several rows in a layer (a head, a conv group), one gate is on all of them: their derivatives are summed,
then squared.
"""

import torch
from torch import Tensor, nn

from core.backbones.attention import Attention, values_only
from core.channels.groups import ChannelGroups
from core.channels.selection import Selection
from core.criteria.scores import Scores, filters, gate_layers, gates_of, group_scores, layer_of, rows


class Taylor:
    """Gathers squared gate derivatives over batches; ask for `scores` when enough have been seen.

    Call `see` after each backward pass and before the optimiser's step. `state` is what a checkpoint must keep.
    """

    def __init__(self, groups: ChannelGroups) -> None:
        self.groups = groups
        self.layers = gate_layers(groups)
        self.batches = 0
        self.state: dict[str, Tensor] = {}

    def see(self, model: nn.Module, selection: Selection) -> None:
        """Add one batch, from the gradients that stand in the model now; selection: what the model keeps."""
        for name in {name for names in self.layers.values() for name in names}:
            layer = layer_of(model, name)
            derivative = gates_of(gate_derivative(layer).double(), name, self.groups, selection)
            self.state[name] = self.state.get(name, torch.zeros_like(derivative)) + derivative.square()
        self.batches += 1

    def scores(self, selection: Selection) -> Scores:
        """Mean over the batches seen, per layer normalised, summed over each group's layers."""
        means = {name: total / max(1, self.batches) for name, total in self.state.items()}
        return group_scores(means, self.layers, self.groups, selection)

    def clear(self) -> None:
        """Forget all batches, as after surgery."""
        self.batches, self.state = 0, {}


def gate_derivative(layer: nn.Module) -> Tensor:
    """[width] dL/dgate of each output row, from the layer's parameters and their gradients; 0 if it has none."""
    weight = filters(layer)
    parts = [weight.new_zeros(len(weight))]
    for name in ("in_proj_weight", "in_proj_bias") if isinstance(layer, Attention) else ("weight", "bias"):
        parameter = getattr(layer, name, None)
        if parameter is not None and parameter.grad is not None:
            product = (parameter * parameter.grad).detach()
            parts.append(product if product.dim() == 1 else rows(product).sum(1))
    derivative = torch.stack(parts).sum(0)
    return values_only(derivative) if isinstance(layer, Attention) else derivative
