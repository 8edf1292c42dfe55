"""The GAN that every configuration here trains."""

from collections.abc import Sequence

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn

from mmfncontra.registry import MODELS, build_model
from mmfncontra.utils.unwrap import unwrap, unwrap_images

from ..contrasts import Prototypes
from ..layers import use_lean_spectral_norm
from ..network_facts import decoder_parameters, full_size, noise_size, num_classes, out_size
from .acceleration import Acceleration
from .auxiliary_losses import AuxiliaryLosses
from .check_parts import check_named, check_parts
from .guarded_update import guarded_update
from .kept_buffers import KeptBuffers
from .moving_average import start_average, update_average
from .networks import (
    Images,
    attach_parts,
    augmented,
    build_network,
    detached,
    network_parameters,
)
from .step_losses import StepLosses


@MODELS.register_module()
class LimitedDataGAN(StepLosses):
    """A GAN for few images, put together from a config.

    One iteration: a batch of fakes is generated and augmented once; the discriminator steps on real
    and fake images, with auxiliary and contrastive losses; then the generator steps on the same
    fakes through the updated discriminator; then the moving average of the generator follows, and
    what adapts to the discriminator's overfitting (ADA, APA …) is told the mean sign of its logits
    on real images, over all ranks.

    Where a network's loss or gradient is not finite, on any rank, its step is left out
    (:func:`~.guarded_update.guarded_update`), and if it is the discriminator's, the generator's
    too; the moving average and all buffers stay as they were before the iteration.

    Generator and discriminator are ours or mmagic's. A class-conditional one (``num_classes`` above
    0) takes the labels of the batch, which the fakes share.

    Args:
        generator: Config of the generator; called with noise (B, Z), returns images (B, 3, S, S) in
            [-1, 1] or a list of them, the full-size one first.
        discriminator: Config of the discriminator; returns logits (B, n).
        adversarial_loss: Config of a loss with ``disc_loss(real, fake)`` and ``gen_loss(fake)``,
            both returning a dict of scalars.
        disc_auxiliary_losses: Configs of further losses of the discriminator by name, logged as
            ``loss_<name>``. Each says in its attribute ``inputs`` which tensors of the step it
            takes: ``real``, ``fake``, ``real_logits``, ``fake_logits``, ``reconstructions``,
            ``targets``, and ``raw_real``, the real images before augmentation, which then require
            a gradient. One with an ``interval`` is computed every so many iterations.
        gen_auxiliary_losses: The same for the generator, from ``fake``, ``fake_logits``, and
            ``path_images`` with their ``latents``, a further batch smaller by the loss's
            ``batch_shrink``.
        augment: Config of the augmentation of real and fake images, or ``None``.
        pseudo_real: Config of what replaces real images by fakes in the discriminator's step
            (``APA``), or ``None``.
        regularisers: Configs, by name, of what is attached to the discriminator and adds its own
            terms to both steps (``CHAIN``, ``NICE``).
        contrast: Config of the contrastive part, or ``None`` for the plain baseline.
        freeze_disc: FreezeD: layers of the discriminator next to the image that are not trained,
            as a number of feature maps or a list of submodules.
        ema_config: Config of the generator's moving average; ``momentum`` is the share of the new
            weights. ``None``: no average. Buffers (BatchNorm statistics) are copied.
        data_preprocessor: Config of mmengine's or mmagic's preprocessor; the default maps uint8 to
            [-1, 1].
        accelerate: ``'compile'`` compiles the networks' blocks, ``'cuda_graphs'`` replays whole
            steps on a GPU, ``'compile,cuda_graphs'`` does both; ``None``: neither. ``'auto'``
            replays steps on one GPU where nothing stands against it, and says so where something
            does.
        channels_last: Whether weights and images are laid out channels last.

    Raises:
        ValueError: If ``accelerate`` is unknown, an auxiliary loss asks for a tensor that the step
            does not have, decoders would not be trained, or the parts do not fit together.
    """

    DISC_TENSORS = (
        *('real', 'fake', 'real_logits', 'fake_logits', 'reconstructions', 'targets'),
        'raw_real',
    )
    GEN_TENSORS = ('fake', 'fake_logits', 'path_images', 'latents')

    def __init__(
        self,
        generator: dict | nn.Module,
        discriminator: dict | nn.Module | None = None,
        adversarial_loss: dict | None = None,
        disc_auxiliary_losses: dict[str, dict] | None = None,
        gen_auxiliary_losses: dict[str, dict] | None = None,
        augment: dict | None = None,
        pseudo_real: dict | None = None,
        regularisers: dict[str, dict] | None = None,
        contrast: dict | None = None,
        freeze_disc: int | Sequence[str] = 0,
        ema_config: dict | None = None,
        data_preprocessor: dict | None = None,
        accelerate: str | None = 'auto',
        channels_last: bool = False,
    ) -> None:
        acceleration = Acceleration(accelerate, channels_last)
        if ema_config and 'start_iter' in ema_config:
            raise ValueError('ema_config.start_iter: the average starts at the first iteration')
        generator, discriminator = build_network(generator), build_network(discriminator)
        for network in (generator, discriminator):
            if network is not None:
                use_lean_spectral_norm(network)
        noise_size(generator)  # refuses one that does not say
        classes = num_classes(generator)
        contrast = build_model(contrast)
        check_named('regularisers', regularisers)
        regularisers = {name: build_model(cfg) for name, cfg in (regularisers or {}).items()}
        disc_classes = classes if discriminator is None else num_classes(discriminator)
        discriminator = attach_parts(
            discriminator, out_size(generator), freeze_disc, regularisers, contrast
        )
        if disc_classes != classes:
            raise ValueError(
                f'discriminator.num_classes={disc_classes} and generator.num_classes={classes} '
                'must be the same'
            )
        super().__init__(
            generator,
            discriminator,
            data_preprocessor=data_preprocessor
            or dict(
                type='mmengine.ImgDataPreprocessor',
                mean=[127.5] * 3,
                std=[127.5] * 3,
                non_blocking=True,  # the copy would wait for the step before
            ),
            ema_config=ema_config and {'type': 'mmfncontra.MovingAverage', **ema_config},
        )
        self.num_classes = classes
        self.contrast = contrast
        self.regularisers = nn.ModuleDict(regularisers)
        self.augment = build_model(augment)
        self.pseudo_real = build_model(pseudo_real)
        self.adversarial_loss = build_model(
            adversarial_loss or dict(type='mmfncontra.HingeGANLoss')
        )
        self.disc_auxiliary_losses = AuxiliaryLosses(
            'disc_auxiliary_losses', disc_auxiliary_losses, self.DISC_TENSORS
        )
        self.gen_auxiliary_losses = AuxiliaryLosses(
            'gen_auxiliary_losses', gen_auxiliary_losses, self.GEN_TENSORS
        )
        self._decoder_parameters = decoder_parameters(self.discriminator)
        check_parts(self)
        # The generator's step freezes the discriminator; what FreezeD froze stays so.
        self._trained_by_disc = [p for p in network_parameters(discriminator) if p.requires_grad]
        self._kept_buffers = KeptBuffers()
        self._acceleration = acceleration
        acceleration.prepare(self)

    def train_step(self, data: dict, optim_wrapper: OptimWrapperDict) -> dict[str, Tensor]:
        """One iteration: a step of the discriminator, then one of the generator.

        Args:
            data: A batch of the data loader, ``inputs`` uint8 images, and ``labels`` for a
                class-conditional GAN.
            optim_wrapper: Optimisers of ``generator`` and ``discriminator``.

        Returns:
            Losses to log, scalars without gradient; ``loss_disc`` and ``loss_gen`` are the sums,
            ``r_t`` is the mean sign of the logits of real images, ``skipped`` is 1 if a step was
            left out.

        Raises:
            ValueError: If a class-conditional GAN gets no labels.
        """
        data = self.data_preprocessor(data, True)
        real, kwargs = unwrap_images(data['inputs']), self._labels(data)
        if self.with_ema_gen and not self._ema_started:
            start_average(self.generator_ema, unwrap(self.generator))
            self._ema_started = True
        logs = self._acceleration.run(
            lambda inputs: self._train_on(optim_wrapper, **inputs),
            dict(real=real, **kwargs),
            self,
            optim_wrapper,
            due=(tuple(self._due_in_disc()), tuple(self._due_in_gen())),
        )
        self._steps += 1
        return logs

    def forget_recorded_steps(self) -> None:
        """Record CUDA graphs anew, as is due when optimisers were loaded or changed."""
        self._acceleration.forget()

    def _train_on(
        self, optim_wrapper: OptimWrapperDict, real: Tensor, **kwargs: Tensor
    ) -> dict[str, Tensor]:
        """The part of a step that is on the device and does the same every time."""
        gen_optim, disc_optim = optim_wrapper['generator'], optim_wrapper['discriminator']
        self._kept_buffers.keep(self)
        with gen_optim.optim_context(self.generator):
            noise = torch.randn(len(real), self.noise_size, device=real.device)
            raw_fake = self.generator(noise, **kwargs)
            fake = augmented(self.augment, raw_fake)
        if self.pseudo_real is not None:
            real = self.pseudo_real(real, detached(raw_fake))
        disc_logs, prototypes = self.update_discriminator(real, fake, disc_optim, **kwargs)
        gen_logs = self.update_generator(
            fake, prototypes, gen_optim, skip=disc_logs['skipped'], **kwargs
        )
        logs = {**disc_logs, **self._observe(disc_logs['r_t'], len(real)), **gen_logs}
        self._kept_buffers.restore(logs['skipped'] > 0)
        return logs

    def _labels(self, data: dict) -> dict[str, Tensor]:
        if not self.num_classes:
            return {}
        if 'labels' not in data:
            raise ValueError(
                f'generator.num_classes={self.num_classes}, but the batches have no labels: set '
                "train_dataloader.dataset.num_classes and PackImages(extra_keys=['labels'])"
            )
        labels = data['labels']
        return dict(label=labels if isinstance(labels, Tensor) else torch.stack(list(labels)))

    def update_discriminator(
        self, real: Tensor, fake: Images, optim_wrapper: OptimWrapper, **kwargs: Tensor
    ) -> tuple[dict[str, Tensor], Prototypes | None]:
        """Step of the discriminator.

        Args:
            real: Real images, (B, 3, S, S) in [-1, 1].
            fake: Augmented generated images as the generator returned them; their gradient is cut.
            optim_wrapper: The discriminator's optimiser.
            **kwargs: ``label`` of a class-conditional GAN.

        Returns:
            Losses to log with ``r_t`` and ``skipped``, and the contrast's prototypes for the
            generator's step.
        """
        with optim_wrapper.optim_context(self.discriminator):
            found = self.disc_losses(real, detached(fake), **kwargs)
        logs = self._step(found.losses, optim_wrapper, 'loss_disc')
        r_t = found.on_real.logits.detach().float().sign().mean()
        return {**logs, 'r_t': r_t}, found.prototypes

    def update_generator(
        self,
        fake: Images,
        prototypes: Prototypes | None,
        optim_wrapper: OptimWrapper,
        skip: Tensor | None = None,
        **kwargs: Tensor,
    ) -> dict[str, Tensor]:
        """Step of the generator, and of its moving average.

        Args:
            fake: Augmented generated images with gradient.
            prototypes: What :meth:`update_discriminator` returned.
            optim_wrapper: The generator's optimiser.
            skip: 1.0 where the step is to be left out, ().
            **kwargs: ``label`` of a class-conditional GAN.

        Returns:
            Losses to log, and ``skipped``.
        """
        for parameter in self._trained_by_disc:
            parameter.requires_grad_(False)
        with optim_wrapper.optim_context(self.generator):
            losses = self.gen_losses(fake, prototypes, **kwargs)
        logs = self._step(losses, optim_wrapper, 'loss_gen', skip)
        for parameter in self._trained_by_disc:
            parameter.requires_grad_(True)
        if self.with_ema_gen:
            num_images = len(full_size(fake))
            self.generator_ema.images_per_step = num_images * get_world_size()
            update_average(self.generator_ema, unwrap(self.generator), logs['skipped'])
        return logs

    def _observe(self, r_t: Tensor, num_images: int) -> dict[str, Tensor]:
        """Tell what adapts how far the discriminator overfits, the same on every rank."""
        r_t = r_t.clone()
        all_reduce(r_t, op='mean')
        logs = dict(r_t=r_t)
        for part in (self.augment, self.pseudo_real, *self.regularisers.values()):
            if hasattr(part, 'observe'):
                logs |= part.observe(r_t, num_images * get_world_size())
        return logs

    _ema_started = False

    @staticmethod
    def _step(
        losses: dict[str, Tensor],
        optim_wrapper: OptimWrapper,
        total: str,
        skip: Tensor | None = None,
    ) -> dict[str, Tensor]:
        loss = sum(losses.values())
        logs = {total: loss, **losses, 'skipped': guarded_update(optim_wrapper, loss, skip)}
        return {name: value.detach() for name, value in logs.items()}
