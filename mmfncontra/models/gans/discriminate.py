"""One call for every kind of discriminator."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass
class DiscriminatorOutput:
    """What a discriminator says of a batch.

    Attributes:
        logits: (B, n).
        embedding: Instance embedding (B, E), if asked for.
        prototypes: Wavelet prototypes, if asked for.
        reconstructions: Decoded images, if asked for.
        targets: What those should be.
    """

    logits: Tensor
    embedding: Tensor | None = None
    prototypes: list[Tensor] | None = None
    reconstructions: Sequence[Tensor] = ()
    targets: Sequence[Tensor] = ()


def discriminate(
    discriminator: nn.Module,
    images: Tensor | Sequence[Tensor],
    decode: bool = False,
    embed: bool = False,
    prototypes: bool = False,
    **kwargs: object,
) -> DiscriminatorOutput:
    """Run a discriminator and name its outputs.

    Args:
        discriminator: A discriminator, plain or wrapped with a contrastive head.
        images: (B, 3, S, S) in [-1, 1], or what a generator with several outputs returns.
        decode: Ask for reconstructions; the discriminator must have decoders.
        embed: Ask for the embedding; the discriminator must have a contrastive head.
        prototypes: Ask for the prototypes; the same.
        **kwargs: What the discriminator takes besides images, such as ``label``.

    Returns:
        The named outputs.
    """
    # Only what is asked for is passed on: a discriminator need not know of the rest.
    asked = dict(decode=decode, embed=embed, prototypes=prototypes)
    asked = {name: True for name, wanted in asked.items() if wanted}
    output = discriminator(images, **asked, **kwargs)
    embedding, maps = None, None
    if embed or prototypes:
        output, embedding, maps = output
    logits, reconstructions, targets = output if decode else (output, (), ())
    return DiscriminatorOutput(logits, embedding, maps, reconstructions, targets)
