"""The GAN that every configuration here trains."""

from collections.abc import Sequence
from typing import Any

import torch
from mmagic.models.base_models import BaseGAN
from mmagic.models.utils import set_requires_grad
from mmagic.structures import DataSample
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.unwrap import unwrap

from ..contrasts import Prototypes
from .discriminate import discriminate

Images = Tensor | Sequence[Tensor]


@MODELS.register_module()
class LimitedDataGAN(BaseGAN):
    """A GAN for few images, put together from a config.

    One iteration: a batch of fakes is generated and augmented once; the discriminator steps on real
    and fake images, with auxiliary and contrastive losses; then the generator steps on the same
    fakes through the updated discriminator; then the moving average of the generator follows.

    Args:
        generator: Config of the generator; called with noise (B, Z), returns images (B, 3, S, S) in
            [-1, 1] or a list of them, the full-size one first.
        discriminator: Config of the discriminator; returns logits (B, n).
        adversarial_loss: Config of a loss with ``disc_loss(real, fake)`` and ``gen_loss(fake)``,
            both returning a dict of scalars.
        disc_auxiliary_losses: Configs of further losses of the discriminator by name, logged as
            ``loss_<name>``. Each says in its attribute ``inputs`` which tensors of the step it
            takes: ``real``, ``fake``, ``real_logits``, ``fake_logits``, ``reconstructions``,
            ``targets``.
        gen_auxiliary_losses: The same for the generator, from ``fake`` and ``fake_logits``.
        augment: Config of the augmentation of real and fake images, or ``None``.
        contrast: Config of the contrastive part, or ``None`` for the plain baseline.
        ema_config: Config of the generator's moving average; ``momentum`` is the share of the new
            weights. ``None``: no average. Buffers (BatchNorm statistics) are copied.
        data_preprocessor: Config of mmengine's or mmagic's preprocessor; the default maps uint8 to
            [-1, 1].

    Raises:
        ValueError: If an auxiliary loss asks for a tensor that the step does not have, decoders
            would not be trained, or the parts do not fit together.
    """

    DISC_TENSORS = ('real', 'fake', 'real_logits', 'fake_logits', 'reconstructions', 'targets')
    GEN_TENSORS = ('fake', 'fake_logits')

    def __init__(
        self,
        generator: dict | nn.Module,
        discriminator: dict | nn.Module | None = None,
        adversarial_loss: dict | None = None,
        disc_auxiliary_losses: dict[str, dict] | None = None,
        gen_auxiliary_losses: dict[str, dict] | None = None,
        augment: dict | None = None,
        contrast: dict | None = None,
        ema_config: dict | None = None,
        data_preprocessor: dict | None = None,
    ) -> None:
        if ema_config and 'start_iter' in ema_config:
            raise ValueError('ema_config.start_iter: the average starts at the first iteration')
        generator, discriminator, contrast = map(_build, (generator, discriminator, contrast))
        if not isinstance(getattr(generator, 'noise_size', None), int):
            raise ValueError(f'generator {type(generator).__name__} must have a noise_size')
        if contrast is not None and discriminator is None:
            raise ValueError('contrast needs a discriminator, which is None')
        if contrast is not None:
            discriminator = contrast.wrap(discriminator)
        super().__init__(
            generator,
            discriminator,
            data_preprocessor=data_preprocessor
            or dict(type='mmengine.ImgDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3),
            ema_config=ema_config and {'type': 'mmagic.ExponentialMovingAverage', **ema_config},
        )
        self.contrast = contrast
        self.augment = _build(augment)
        self.adversarial_loss = _build(adversarial_loss or dict(type='mmfncontra.HingeGANLoss'))
        self.disc_auxiliary_losses = self._build_auxiliary(
            'disc_auxiliary_losses', disc_auxiliary_losses, self.DISC_TENSORS
        )
        self.gen_auxiliary_losses = self._build_auxiliary(
            'gen_auxiliary_losses', gen_auxiliary_losses, self.GEN_TENSORS
        )
        self._decode = any(
            'reconstructions' in loss.inputs for loss in self.disc_auxiliary_losses.values()
        )
        has_decoders = getattr(discriminator, 'has_decoders', False)
        if self._decode and not has_decoders:
            raise ValueError(
                'disc_auxiliary_losses has a reconstruction loss, but discriminator '
                f'{type(discriminator).__name__} has no decoders'
            )
        if has_decoders and not self._decode:
            # A distributed wrapper would wait for their gradients for ever.
            raise ValueError(
                'discriminator has decoders that no loss of disc_auxiliary_losses trains: '
                'set model.discriminator.decoders=False, or add a reconstruction loss'
            )

    @staticmethod
    def _build_auxiliary(
        argument: str, configs: dict[str, dict] | None, tensors: Sequence[str]
    ) -> nn.ModuleDict:
        losses = nn.ModuleDict({name: _build(cfg) for name, cfg in (configs or {}).items()})
        for name, loss in losses.items():
            missing = [tensor for tensor in loss.inputs if tensor not in tensors]
            if missing:
                raise ValueError(
                    f'{argument}.{name} ({type(loss).__name__}) takes {missing}; '
                    f'this step has {list(tensors)}'
                )
        return losses

    def train_step(self, data: dict, optim_wrapper: OptimWrapperDict) -> dict[str, Tensor]:
        """One iteration: a step of the discriminator, then one of the generator.

        Args:
            data: A batch of the data loader, ``inputs`` uint8 images.
            optim_wrapper: Optimisers of ``generator`` and ``discriminator``.

        Returns:
            Losses to log, scalars without gradient; ``loss_disc`` and ``loss_gen`` are the sums.
        """
        real = self.data_preprocessor(data, True)['inputs']
        if isinstance(real, dict):  # mmagic's preprocessors name their images
            real = real['img']
        gen_optim, disc_optim = optim_wrapper['generator'], optim_wrapper['discriminator']
        with gen_optim.optim_context(self.generator):
            noise = torch.randn(len(real), self.noise_size, device=real.device)
            fake = self._augmented(self.generator(noise))
        disc_logs, prototypes = self.update_discriminator(real, fake, disc_optim)
        gen_logs = self.update_generator(fake, prototypes, gen_optim)
        return {**disc_logs, **gen_logs}

    def update_discriminator(
        self, real: Tensor, fake: Images, optim_wrapper: OptimWrapper
    ) -> tuple[dict[str, Tensor], Prototypes | None]:
        """Step of the discriminator.

        Args:
            real: Real images, (B, 3, S, S) in [-1, 1].
            fake: Augmented generated images as the generator returned them; their gradient is cut.
            optim_wrapper: The discriminator's optimiser.

        Returns:
            Losses to log, and the contrast's prototypes for the generator's step.
        """
        contrast, prototypes = self.contrast, None
        fake = _detached(fake)
        with optim_wrapper.optim_context(self.discriminator):
            real = self._augmented(real)
            on_real = discriminate(
                self.discriminator,
                real,
                decode=self._decode,
                embed=contrast is not None and contrast.embeds,
                prototypes=contrast is not None and contrast.uses_prototypes,
            )
            fake_logits = discriminate(self.discriminator, fake).logits
            losses = self.adversarial_loss.disc_loss(on_real.logits, fake_logits)
            losses |= self._auxiliary(
                self.disc_auxiliary_losses,
                dict(
                    real=real,
                    fake=fake,
                    real_logits=on_real.logits,
                    fake_logits=fake_logits,
                    reconstructions=on_real.reconstructions,
                    targets=on_real.targets,
                ),
            )
            if contrast is not None:
                contrast_losses, prototypes = contrast.disc_loss(
                    self.discriminator, real, on_real.embedding, on_real.prototypes
                )
                losses |= contrast_losses
        return self._step(losses, optim_wrapper, 'loss_disc'), prototypes

    def update_generator(
        self, fake: Images, prototypes: Prototypes | None, optim_wrapper: OptimWrapper
    ) -> dict[str, Tensor]:
        """Step of the generator, and of its moving average.

        Args:
            fake: Augmented generated images with gradient.
            prototypes: What :meth:`update_discriminator` returned.
            optim_wrapper: The generator's optimiser.

        Returns:
            Losses to log.
        """
        # Not through the distributed wrapper: it would wait for gradients of frozen parameters.
        discriminator = unwrap(self.discriminator)
        set_requires_grad(discriminator, False)
        with optim_wrapper.optim_context(self.generator):
            on_fake = discriminate(discriminator, fake, prototypes=prototypes is not None)
            losses = self.adversarial_loss.gen_loss(on_fake.logits)
            losses |= self._auxiliary(
                self.gen_auxiliary_losses, dict(fake=fake, fake_logits=on_fake.logits)
            )
            if prototypes is not None:
                losses |= self.contrast.gen_loss(on_fake.prototypes, prototypes)
        self._start_ema()
        logs = self._step(losses, optim_wrapper, 'loss_gen')
        set_requires_grad(discriminator, True)
        if self.with_ema_gen:
            self.generator_ema.update_parameters(unwrap(self.generator))
        return logs

    def _start_ema(self) -> None:
        """Let the average start from the generator as it is before its first update.

        The average would otherwise take the first update whole.
        """
        if self.with_ema_gen and not self._ema_started:
            if self.generator_ema.steps == 0:
                self.generator_ema.update_parameters(unwrap(self.generator))
            self._ema_started = True

    _ema_started = False

    def _augmented(self, images: Images) -> Images:
        if self.augment is None:
            return images
        if isinstance(images, Tensor):
            # In half precision the draws for fakes would be coarser than those for real images.
            return self.augment(images.float())
        return [self.augment(image.float()) for image in images]

    @staticmethod
    def _auxiliary(losses: nn.ModuleDict, tensors: dict[str, Any]) -> dict[str, Tensor]:
        return {
            f'loss_{name}': loss(**{key: tensors[key] for key in loss.inputs})
            for name, loss in losses.items()
        }

    @staticmethod
    def _step(
        losses: dict[str, Tensor], optim_wrapper: OptimWrapper, total: str
    ) -> dict[str, Tensor]:
        loss = sum(losses.values())
        optim_wrapper.update_params(loss)
        return {name: value.detach() for name, value in {total: loss, **losses}.items()}

    @torch.no_grad()
    def forward(
        self, inputs: Tensor | dict, data_samples: list | None = None, mode: str | None = None
    ) -> list[DataSample]:
        """Generate images, as mmagic's loops and evaluators ask for them.

        BatchNorm statistics are taken as they are: calibrate them first
        (:func:`mmfncontra.apis.calibrate_batchnorm`).

        Args:
            inputs: Noise (B, Z), or a dict with ``noise`` or ``num_batches`` and optionally
                ``sample_model``, ``'ema'`` or ``'orig'``.
            data_samples: Not used.
            mode: Not used.

        Returns:
            A sample per image, ``fake_img`` (3, S, S) in [0, 255].
        """
        if isinstance(inputs, Tensor):
            inputs = dict(noise=inputs)
        noise = self.noise_fn(inputs.get('noise'), num_batches=inputs.get('num_batches') or 1)
        use_ema = self._get_valid_model(inputs) == 'ema'
        images = (self.generator_ema if use_ema else self.generator)(noise)
        images = images if isinstance(images, Tensor) else images[0]
        images = ((images.float() + 1) * 127.5).clamp(0, 255)
        return [DataSample(fake_img=image) for image in images]


def _build(config: dict | nn.Module | None) -> nn.Module | None:
    return MODELS.build(config) if isinstance(config, dict) else config


def _detached(images: Images) -> Images:
    return images.detach() if isinstance(images, Tensor) else [x.detach() for x in images]
