"""A GAN as mmagic's loops and evaluators sample from it."""

import torch
from mmagic.models.base_models import BaseGAN
from mmagic.structures import DataSample
from torch import Tensor

from ..network_facts import full_size


class SamplingGAN(BaseGAN):
    """Generates images on demand; how it is trained is up to who inherits.

    Attributes:
        num_classes: Classes of the images, 0 for none.
    """

    num_classes = 0

    def init_weights(self) -> None:
        """Nothing: the networks were initialised when they were built, before their average."""

    def val_step(self, data: dict) -> list[DataSample]:
        """Generate images for mmagic's loops.

        Args:
            data: What :meth:`forward` takes; of images that a sampler has generated itself
                (``images``) nothing is to be done.
        """
        return [] if 'images' in data else super().val_step(data)

    test_step = val_step

    @torch.no_grad()
    def forward(
        self, inputs: Tensor | dict, data_samples: list | None = None, mode: str | None = None
    ) -> list[DataSample]:
        """Generate images, as mmagic's loops and evaluators ask for them.

        BatchNorm statistics are taken as they are: calibrate them first
        (:func:`mmfncontra.apis.calibrate_batchnorm`).

        Args:
            inputs: Noise (B, Z), or a dict with ``noise`` or ``num_batches`` and optionally
                ``sample_model``, ``'ema'`` or ``'orig'``, and ``labels`` (B,), drawn otherwise.
            data_samples: Not used.
            mode: Not used.

        Returns:
            A sample per image, ``fake_img`` (3, S, S) in [0, 255].
        """
        if isinstance(inputs, Tensor):
            inputs = dict(noise=inputs)
        noise = self.noise_fn(inputs.get('noise'), num_batches=inputs.get('num_batches') or 1)
        kwargs = {}
        if self.num_classes:
            drawn = torch.randint(self.num_classes, (len(noise),), device=noise.device)
            kwargs = dict(label=inputs.get('labels', drawn))
        use_ema = self._get_valid_model(inputs) == 'ema'
        images = (self.generator_ema if use_ema else self.generator)(noise, **kwargs)
        images = ((full_size(images).float() + 1) * 127.5).clamp(0, 255)
        return [DataSample(fake_img=image) for image in images]
