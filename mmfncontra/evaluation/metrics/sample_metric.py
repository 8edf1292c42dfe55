"""What metrics of generated images have in common."""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, ClassVar

import numpy as np
import torch
from mmengine.dist import all_gather_object, broadcast_object_list, is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from torch import Tensor, nn
from torch.utils.data import DataLoader

from mmfncontra.launch.patient_group import patient_group
from mmfncontra.models.pretrained import frozen_hashes
from mmfncontra.utils.checks import check_integers
from mmfncontra.utils.precision import check_precision
from mmfncontra.utils.unwrap import unwrap

from ..card import MetricCard, library_versions
from ..hashes import images_hash
from .generated_batches import GeneratedBatches


class SampleMetric(BaseMetric):
    """A metric of generated images against the images of a data loader.

    For mmagic's ``Evaluator`` in its ``MultiValLoop`` or ``MultiTestLoop``: :meth:`prepare` takes
    in the real images, the sampler of :meth:`get_metric_sampler` generates images, :meth:`process`
    takes in a batch of them, :meth:`evaluate` gathers and computes on rank 0.

    Args:
        num_fake: Generated images.
        seed: Seed of the generated images.
        truncation: ψ of a style-based generator.
        sample_model: ``'ema'`` or ``'orig'``.
        prefix: Put before the names of the values.
        precision: What the generator computes in: ``'float32'``, or ``'bfloat16'`` or
            ``'float16'`` by autocast. The values of a lower one are not compared with others.

    Raises:
        ValueError: If an argument is out of its range.
    """

    # mmagic's evaluator gives metrics of one mode, seed and so on one sampler.
    default_prefix = ''  # none, and none of mmengine's warnings about it
    # Whether reduce takes arrays on the host, or tensors where the images were made.
    takes_arrays = True
    # Which of its values are wanted, and the names under which each is returned.
    values: tuple[str, ...] = ('all',)
    NAMES: ClassVar[dict[str, tuple[str, ...]]] = {'all': ('*',)}

    def __init__(
        self,
        num_fake: int,
        seed: int = 0,
        truncation: float = 1.0,
        sample_model: str = 'ema',
        prefix: str | None = None,
        precision: str = 'float32',
    ) -> None:
        super().__init__('cpu', prefix)
        self.precision = check_precision(precision)
        check_integers(num_fake=num_fake)
        check_integers(0, seed=seed)
        if sample_model not in ('ema', 'orig'):
            raise ValueError(f"sample_model must be 'ema' or 'orig', got {sample_model!r}")
        self.num_fake, self.seed, self.truncation = num_fake, seed, truncation
        self.sample_model = sample_model
        self.curves: dict[str, list[float]] = {}
        self.warnings: list[str] = []
        # Hashes of the weights of networks within the model that is evaluated.
        self.trained_with: frozenset[str] = frozenset()
        self._taken = 0

    def _check_values(self, values: Sequence[str]) -> tuple[str, ...]:
        known = tuple(self.NAMES)
        if not values or any(value not in known for value in values):
            raise ValueError(f'values must be some of {known}, got {values}')
        return tuple(values)

    def value_names(self) -> list[str]:
        """Names that values of this metric can have, ``*`` for any text, before the prefix."""
        return [name for value in self.values for name in self.NAMES[value]]

    def full_names(self) -> list[str]:
        """The same with the prefix."""
        return [f'{self.prefix}/{each}' if self.prefix else each for each in self.value_names()]

    def own_names(self, names: Iterable[str]) -> list[str]:
        """Those of some names that values of this metric can have."""
        own = self.full_names()
        return [name for name in names if any(fnmatchcase(name, each) for each in own)]

    @property
    def group(self) -> str:
        """What its values are called on a metric card."""
        return type(self).__name__

    @property
    def network_hash(self) -> str | None:
        """Hash of the weights of the network that looks at the images, if there is one."""
        return None

    @property
    def SAMPLER_MODE(self) -> str:
        """Metrics that agree in it share their generated images."""
        return f'samples, seed {self.seed}, truncation {self.truncation}, {self.precision}'

    def prepare(self, module: nn.Module, dataloader: DataLoader) -> None:
        """Take in the real images, and go to the device of the model.

        Args:
            module: The model.
            dataloader: Loader of the real images; its data set is read in order.
        """
        self.to(next(module.parameters()).device)
        self.prepare_real(
            [read_image(dataloader.dataset, i) for i in range(len(dataloader.dataset))]
        )

    def to(self, device: torch.device | str) -> None:
        """Move the networks of the metric, of which this one has none.

        Args:
            device: Where they run from now on.
        """

    def prepare_real(self, images: Sequence[np.ndarray]) -> None:
        """Keep the real images, or what is needed of them.

        Args:
            images: uint8 RGB, each (S, S, 3).
        """
        self._real, self.num_real, self.real_hash = images, len(images), images_hash(images)
        self.size = images[0].shape[0]

    def check_model(self, model: nn.Module) -> None:
        """Refuse arguments that do not go with a model, before it is trained.

        Args:
            model: A GAN, or a generator alone.

        Raises:
            ValueError: If its generator has no mean of W to truncate to.
        """
        generator = generator_of(model)
        if self.truncation != 1 and not hasattr(generator, 'w_avg'):
            raise ValueError(
                f'{type(self).__name__}: truncation must be 1 for {type(generator).__name__}, '
                f'which has no mean of W to truncate to, got {self.truncation}'
            )

    def get_metric_sampler(
        self, model: nn.Module, dataloader: DataLoader, metrics: Sequence['SampleMetric']
    ) -> GeneratedBatches:
        """Generated images, as many as the most demanding of some metrics takes.

        Args:
            model: The model.
            dataloader: Its batch size is that of the generated images.
            metrics: Metrics of one mode.
        """
        return GeneratedBatches(
            model,
            max(metric.num_fake for metric in metrics),
            seed=self.seed,
            batch_size=dataloader.batch_size or 16,
            use_ema=self.sample_model == 'ema',
            truncation=self.truncation,
            precision=self.precision,
            num_arrays=count_arrays(metrics),
        )

    def process(self, data_batch: dict[str, Any], data_samples: Sequence = ()) -> None:
        """Take in a batch of generated images, as far as they are needed.

        Args:
            data_batch: ``images``, uint8 RGB (B, S, S, 3), a tensor or an array; ``arrays``, the
                same on the host, ``None`` where no metric needs it; and ``start``, the number of
                the first of them; by default it follows those before.
            data_samples: Not used.
        """
        # By number: the images are the same on any number of ranks.
        room = max(0, self.num_fake - data_batch.get('start', self._taken))
        arrays = data_batch.get('arrays')
        images = data_batch['images'] if arrays is None or not self.takes_arrays else arrays
        images = images[:room]
        if len(images):
            self._taken += len(images)
            self.results.append(self.reduce(images))

    def reduce(self, images: np.ndarray | Tensor) -> Any:
        """What is kept of a batch of generated images.

        Args:
            images: uint8 RGB (B, S, S, 3), an array if the metric :attr:`takes_arrays`.
        """
        return images

    def evaluate(self, size: int = 0) -> dict[str, float]:
        """Gather what the ranks have and compute.

        Args:
            size: Not used.

        Returns:
            Values by name, the same on every rank.
        """
        gathered = [part for rank in all_gather_object(self.results) for part in rank]
        self.results.clear()
        self._taken = 0
        values: list[dict | None] = [None]
        if is_main_process():
            self.warnings = []
            values = [self.compute_metrics(gathered)]
            for warning in self.warnings:
                print_log(warning, logger='current', level=30)
        broadcast_object_list(values, group=patient_group())
        prefix = f'{self.prefix}/' if self.prefix else ''
        return {f'{prefix}{name}': float(value) for name, value in values[0].items()}

    def depends(self) -> dict[str, Any]:
        """What the values depend on, for the metric card."""
        return dict(
            num_fake=self.num_fake,
            num_real=self.num_real,
            real_hash=self.real_hash,
            size=self.size,
            seed=self.seed,
            truncation=self.truncation,
            ema=self.sample_model == 'ema',
            value_range='uint8, [0, 255]',
            **({} if self.precision == 'float32' else dict(precision=self.precision)),
        )


def count_arrays(metrics: Sequence[SampleMetric]) -> int:
    """Generated images that have to come to the host.

    Args:
        metrics: Metrics that share their images.
    """
    return max((metric.num_fake for metric in metrics if metric.takes_arrays), default=0)


def generator_of(model: nn.Module) -> nn.Module:
    """The generator of a GAN, or the generator itself, without wrappers."""
    model = unwrap(model)
    return unwrap(getattr(model, 'generator', model))


def check_metrics(
    metrics: Sequence, model: nn.Module, trained_with: frozenset[str] | None = None
) -> None:
    """Refuse what would only fail after a training: see :meth:`SampleMetric.check_model`.

    Args:
        metrics: Metrics of one evaluation; those that are no :class:`SampleMetric` are let through.
        model: A GAN, or a generator alone.
        trained_with: Hashes of the frozen networks that took part in its training; default those
            within the model.

    Raises:
        ValueError: If a metric does not go with the model, or two have values of one name.
    """
    if trained_with is None:
        trained_with = frozen_hashes(dict(model.named_buffers()))
    seen: dict[tuple, str] = {}
    for metric in metrics:
        if not isinstance(metric, SampleMetric):
            continue
        metric.check_model(model)
        metric.trained_with = trained_with
        if metric.network_hash in trained_with:
            print_log(
                f'{metric.group} looks with a network that the model is trained with: its values '
                'flatter it, and are marked',
                logger='current',
                level=30,
            )
        for value in metric.values:
            if (metric.prefix, metric.group, value) in seen:
                raise ValueError(
                    f'{metric.group} is there twice with the same values ({value}): give one of '
                    'them another prefix'
                )
            seen[metric.prefix, metric.group, value] = value


def check_monitored(argument: str, name: str, metrics: Sequence) -> None:
    """Refuse to follow a value that no metric returns, before a training.

    Args:
        argument: Where the name stands in the config.
        name: Name of the value.
        metrics: Metrics of the validation; where one is no :class:`SampleMetric`, any name passes.

    Raises:
        ValueError: If there is no metric, or none with such a value.
    """
    if not metrics:
        raise ValueError(
            f'{argument} needs a validation with metrics, got {name!r}: set val_evaluator, or '
            f'{argument}=None'
        )
    if not all(isinstance(metric, SampleMetric) for metric in metrics):
        return
    known = [each for metric in metrics for each in metric.full_names()]
    if not any(fnmatchcase(name, each) for each in known):
        raise ValueError(f'{argument} must be one of {", ".join(known)}, got {name!r}')


def named_depends(metrics: Sequence['SampleMetric']) -> dict[str, dict[str, Any]]:
    """What the values of several metrics depend on, by names of their own.

    Args:
        metrics: Metrics of one evaluation.

    Returns:
        By class; with prefix or values where a class is there several times.
    """
    kinds = [metric.group for metric in metrics]
    named: dict[str, dict[str, Any]] = {}
    for metric, kind in zip(metrics, kinds, strict=True):
        if kinds.count(kind) > 1:
            values = '' if metric.values == SampleMetric.values else ' '.join(metric.values)
            kind = f'{kind} {metric.prefix or values}'.strip()
        named[kind] = metric.depends()
    return named


def make_card(
    metrics: Sequence[SampleMetric], values: Mapping[str, float], iteration: int | None, **run: Any
) -> MetricCard:
    """The card of an evaluation.

    Args:
        metrics: What evaluated.
        values: What was found, by name.
        iteration: Of the model.
        **run: Which model it is; the versions of libraries are added.
    """
    depends = named_depends(metrics)
    warnings = [warning for metric in metrics for warning in metric.warnings]
    for metric, group in zip(metrics, depends, strict=True):
        if depends[group].get('weights_hash') not in metric.trained_with:
            continue
        depends[group]['seen_in_training'] = own = metric.own_names(values)
        warnings.append(
            f'{", ".join(own)}: the model is trained with the network that measures them '
            f'({depends[group]["extractor"]}), which flatters it'
        )
    return MetricCard(
        metrics={name: float(value) for name, value in values.items()},
        depends=depends | dict(run=run | dict(versions=library_versions())),
        iteration=iteration,
        curves={name: curve for metric in metrics for name, curve in metric.curves.items()},
        warnings=warnings,
    )


def read_image(dataset: Any, index: int) -> np.ndarray:
    """An image of a data set as pixels.

    Args:
        dataset: Its items have ``inputs``, uint8 (3, S, S), as ``PackImages`` makes them.
        index: Which.

    Returns:
        uint8 RGB (S, S, 3).
    """
    return dataset[index]['inputs'].permute(1, 2, 0).numpy()
