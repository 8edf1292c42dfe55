"""The layer of CHAIN: a Lipschitz-constrained normalisation of a discriminator's feature maps."""

import torch
from torch import Tensor, nn

from mmfncontra.utils.checks import check_integers, check_interval, check_positive
from mmfncontra.utils.precision import widen

FORMS = ('batch', 'cumulative')
# Rows of the running averages by the pass under way.
_STREAMS = dict(real=0, fake=1, generator=2)


class ChainNorm(nn.Module):
    r"""Adaptive root-mean-square normalisation (ARMS), which also measures its input's mean (0MR).

    .. math::
        y = (1 - M)\, x + M \frac{x}{\psi} \psi_{min}, \qquad
        \psi_c = \sqrt{q_c + \epsilon}, \qquad \psi_{min} = \min_c \psi_c,

    with :math:`M \sim \text{Bernoulli}(p)` drawn per sample and channel and :math:`\psi_{min}`
    without gradient. At p = 0 the layer is the identity.

    * ``'batch'``: :math:`q_c = \operatorname{mean}_{b,h,w} x_c^2`; gradients pass through
      :math:`\psi`, any number of times.
    * ``'cumulative'``: :math:`q \leftarrow d\,q + (1 - d) \operatorname{mean}_{b,h,w} x^2` from
      q = 1, one average for real and one for generated images, and
      :math:`\psi_{min} = \min_c \sqrt{q_c}`, without :math:`\epsilon` as published. With
      :math:`y' = x / \psi` and g the gradient that reaches :math:`M y' \psi_{min}`, backward is

      .. math::
          v \leftarrow d\,v + (1 - d) \operatorname{mean}_{b,h,w}(y' g\, \psi_{min}), \qquad
          \nabla_x = (g\, \psi_{min} - v\, y') / \psi

      from v = 0, one v for each of real and generated images in D's step and generated ones in G's.
      This backward is no function's derivative, so a second one (R1) is refused.

    Statistics are float32 or wider, whatever autocast does. Running averages move in training mode
    with gradients enabled only. In evaluation mode M gives way to its mean p.

    Source: Ni & Koniusz, *CHAIN: Enhancing Generalization in Data-Efficient GANs via lipsCHitz
    continuity constrAIned Normalization*, CVPR 2024, arXiv 2404.00521.

    Attributes:
        strength: p, a buffer () that :class:`CHAIN` shares with all its layers and saves itself.
        mean_square: q of real and of generated images, a buffer (2, C); cumulative form.
        projection: v of the three streams, a buffer (3, C); cumulative form.
        zero_mean: :math:`\sum_c (\operatorname{mean}_{b,h,w} x_c)^2` of the passes of D's step by
            stream, with gradient.

    Args:
        num_features: Channels C.
        form: ``'batch'`` or ``'cumulative'``.
        decay: d of the running averages, in [0, 1).
        eps: :math:`\epsilon`, positive.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> layer = ChainNorm(4, form='batch')
        >>> x = torch.randn(2, 4, 8, 8)
        >>> torch.equal(layer(x), x)  # p is 0
        True
    """

    def __init__(
        self, num_features: int, form: str = 'cumulative', decay: float = 0.9, eps: float = 1e-5
    ) -> None:
        super().__init__()
        check_integers(num_features=num_features)
        if form not in FORMS:
            raise ValueError(f'form must be one of {FORMS}, got {form!r}')
        check_interval('[0, 1)', decay=decay)
        check_positive(eps=eps)
        self.num_features, self.form, self.decay, self.eps = num_features, form, decay, eps
        self.register_buffer('strength', torch.zeros(()), persistent=False)
        if form == 'cumulative':
            self.register_buffer('mean_square', torch.ones(2, num_features))
            self.register_buffer('projection', torch.zeros(3, num_features))
        self.zero_mean: dict[str, Tensor] = {}
        self._stream, self._measures = 'real', False

    def enter(self, stream: str, strength: Tensor) -> None:
        """Prepare for a pass.

        Args:
            stream: ``real`` or ``fake`` in the discriminator's step, ``generator`` in the
                generator's. Of each of the first two the first pass with gradients is measured.
            strength: p in [0, 1], ().

        Raises:
            ValueError: If the stream is unknown.
        """
        if stream not in _STREAMS:
            raise ValueError(f'stream must be one of {tuple(_STREAMS)}, got {stream!r}')
        self._stream, self._measures = stream, stream != 'generator'
        self.strength = strength
        if stream == 'generator':
            self.zero_mean.clear()

    def pop_zero_mean(self) -> list[Tensor]:
        """The 0MR terms of the passes since the last call, scalars; measures no more until entered.

        Letting go of them frees the graphs they hang on.
        """
        terms = list(self.zero_mean.values())
        self.zero_mean.clear()
        self._measures = False
        return terms

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) → (B, C, H, W), always a tensor of its own, in the type of ``x``."""
        wide = widen(x)
        learns = self.training and torch.is_grad_enabled()
        if learns and self._measures and self._stream not in self.zero_mean:
            self.zero_mean[self._stream] = wide.mean((0, 2, 3)).square().sum()
        gate = self.strength
        if self.training:
            gate = torch.rand(*x.shape[:2], 1, 1, device=x.device) < gate
        gate = gate.to(wide.dtype)
        if self.form == 'cumulative':
            return self._cumulative(x, wide, gate, learns)
        psi = (_channel_mean(wide.square()) + self.eps).sqrt()
        return _arms(x, gate, psi, psi.detach().min())

    def _cumulative(self, x: Tensor, wide: Tensor, gate: Tensor, learns: bool) -> Tensor:
        row = _STREAMS[self._stream]
        mean_square = self.mean_square[min(row, 1)]
        if learns:
            with torch.no_grad():
                batch = _channel_mean(wide.square()).flatten()
                mean_square.lerp_(batch.to(mean_square.dtype), 1 - self.decay)
        mean_square = mean_square.view(-1, 1, 1)
        psi, lowest = (mean_square + self.eps).sqrt(), mean_square.min().sqrt()
        decay = self.decay if self.training else 1.0
        return _CumulativeARMS.apply(x, gate, psi, lowest, self.projection[row], decay)

    def extra_repr(self) -> str:
        """Arguments, for ``print``."""
        return f'{self.num_features}, form={self.form!r}, decay={self.decay}, eps={self.eps}'


class _CumulativeARMS(torch.autograd.Function):
    """ARMS by statistics from elsewhere, with a backward that projects on a running average."""

    @staticmethod
    def forward(
        ctx: torch.autograd.function.FunctionCtx,
        x: Tensor,
        gate: Tensor,
        psi: Tensor,
        lowest: Tensor,
        projection: Tensor,
        decay: float,
    ) -> Tensor:
        ctx.save_for_backward(x, gate, psi, lowest)
        # Not saved as a tensor: the backward moves it, after those of later passes have too.
        ctx.projection, ctx.decay = projection, decay
        return _arms(x, gate, psi, lowest)

    @staticmethod
    def backward(
        ctx: torch.autograd.function.FunctionCtx, grad: Tensor
    ) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise RuntimeError(
                "CHAIN's cumulative form cannot be differentiated twice, as R1 and other gradient "
                "penalties ask: set form='batch'"
            )
        x, gate, psi, lowest = ctx.saved_tensors
        normed = x / psi
        scaled = gate * grad * lowest
        mean = _channel_mean(scaled * normed).flatten()
        v = ctx.projection.lerp_(mean.to(ctx.projection.dtype), 1 - ctx.decay).view(-1, 1, 1)
        grad_x = (1 - gate) * grad + (scaled - v * normed) / psi
        return grad_x.to(x.dtype), None, None, None, None, None


def _arms(x: Tensor, gate: Tensor, psi: Tensor, lowest: Tensor) -> Tensor:
    """One product with a factor (B, C, 1, 1): exactly x where the gate is 0, x ψ_min/ψ where 1."""
    return (x * ((1 - gate) + gate * (lowest / psi))).to(x.dtype)


def _channel_mean(x: Tensor) -> Tensor:
    """(B, C, H, W) → (C, 1, 1)."""
    return x.mean((0, 2, 3)).view(-1, 1, 1)
