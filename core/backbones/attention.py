"""Self-attention whose heads can be removed: `nn.MultiheadAttention` with its inner width a number of its own.

torch's layer takes its number of heads from its outer width, so that a head less is a network that cannot be written
down with it. This one has the same tensors by the same names and computes the same; slim, it has fewer rows in them.
"""

import torch
from torch import Tensor, nn

from core.backbones.kinds import kind_of, replace

PARTS = 3  # queries, keys and values, one below the other in `in_proj_weight`


class Heads(nn.Module):
    """What all heads say: q, k, v [B, N, heads · width] to [B, N, heads · width]. No parameters.

    Written out rather than called fused, so that torch's FLOP counter sees both products on every machine.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.width = width
        self.dropout = nn.Dropout(dropout)

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Each head's mean of values, weighted by how well its queries and keys agree."""
        many, length, inner = q.shape
        q, k, v = (each.view(many, length, inner // self.width, self.width).transpose(1, 2) for each in (q, k, v))
        agreement: Tensor = (q @ k.transpose(2, 3)) * self.width**-0.5
        weights: Tensor = self.dropout(agreement.softmax(-1))
        return (weights @ v).transpose(1, 2).flatten(2)


class Attention(nn.Module):
    """Self-attention over [B, N, E]; each head's rows of queries, keys and values, and its columns of `out_proj`."""

    def __init__(self, layer: nn.MultiheadAttention) -> None:
        super().__init__()
        assert layer.in_proj_weight is not None
        self.in_proj_weight, self.in_proj_bias = layer.in_proj_weight, layer.in_proj_bias
        self.mix = Heads(layer.head_dim, layer.dropout)
        self.out_proj = nn.Linear(1, 1, device="meta")
        self.out_proj.weight, self.out_proj.bias = layer.out_proj.weight, layer.out_proj.bias
        self.out_proj.in_features = self.out_proj.out_features = layer.embed_dim

    def forward(
        self, query: Tensor, key: Tensor | None = None, value: Tensor | None = None, need_weights: bool = False
    ) -> tuple[Tensor, None]:
        """(the layer's output [B, N, E], None), as `nn.MultiheadAttention` returns; keys and values are the queries."""
        q, k, v = nn.functional.linear(query, self.in_proj_weight, self.in_proj_bias).chunk(PARTS, 2)
        return self.out_proj(self.mix(q, k, v)), None

    @property
    def heads(self) -> int:
        """How many heads there are now."""
        return self.in_proj_weight.shape[0] // (PARTS * self.mix.width)

    def reset_parameters(self) -> None:
        """As `nn.MultiheadAttention` starts; `out_proj` resets itself."""
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.in_proj_bias)


def can_open(layer: nn.Module) -> bool:
    """Whether a layer is plain self-attention, whose heads can be told apart."""
    return (
        isinstance(layer, nn.MultiheadAttention)
        and kind_of(layer) is nn.MultiheadAttention
        and layer.batch_first
        and layer.in_proj_weight is not None
        and layer.in_proj_bias is not None
        and layer.bias_k is None
        and not layer.add_zero_attn
    )


def open_attention(model: nn.Module) -> nn.Module:
    """The network, in place, with every plain `nn.MultiheadAttention` as an `Attention` over the same tensors."""
    for module in list(model.modules()):
        if can_open(module):
            assert isinstance(module, nn.MultiheadAttention)
            replace(model, module, Attention(module).train(module.training))
    return model


def values_only(per_row: Tensor) -> Tensor:
    """[3 · inner] per row of an `in_proj`, with nothing for queries and keys: the head's output follows its values."""
    out = torch.zeros_like(per_row)
    first = len(per_row) * (PARTS - 1) // PARTS
    out[first:] = per_row[first:]
    return out
