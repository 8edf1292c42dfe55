"""Metric cards of a checkpoint."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from mmengine.registry import DefaultScope
from torch import nn
from tqdm import tqdm

from mmfncontra.checkpoints.file import load_checkpoint_file
from mmfncontra.config.build_errors import explain_build_errors
from mmfncontra.config.components import import_custom_modules
from mmfncontra.config.load import load_config
from mmfncontra.config.options import set_data_root
from mmfncontra.config.size import set_size
from mmfncontra.engine.sample_loops import training_images
from mmfncontra.evaluation.card import MetricCard
from mmfncontra.evaluation.hashes import text_hash
from mmfncontra.evaluation.metrics import PerceptualMetrics, SampleMetric, installed_metrics
from mmfncontra.evaluation.metrics.sample_metric import (
    check_metrics,
    count_arrays,
    make_card,
    read_image,
)
from mmfncontra.models.pretrained import frozen_hashes
from mmfncontra.models.sampling import iterate_pixels
from mmfncontra.registry import DATASETS, METRICS
from mmfncontra.utils.checks import check_integers, check_writable
from mmfncontra.utils.console import note
from mmfncontra.utils.files import expand_home, file_hash, has_content

from .inference import find_config, find_device, load_generator


def evaluate(
    checkpoint: str | Path,
    config: str | Path | None = None,
    data: str | Path | None = None,
    metrics: Sequence[dict] | None = None,
    num: int | None = None,
    seed: int = 0,
    truncation: float = 1.0,
    use_ema: bool = True,
    batch_size: int | None = None,
    device: str | None = None,
    out: str | Path | None = None,
    weights: str | Path | None = None,
    size: int | str | None = None,
) -> Path:
    """Evaluate the generator of a checkpoint and write a metric card.

    Args:
        checkpoint: A ``.pth`` file of a training.
        config: Config it was trained with; default the one beside it.
        data: Folder or zip of the real images; default the config's, the images trained on.
        metrics: Configs of metrics; default ``test_evaluator`` of the config: by the protocol of
            the paper, 5,000 generated images against the whole training set. An optional one
            whose packages are not installed is left out, with a sentence.
        num: Generated images, in place of what the metrics say; metrics that keep the pixels take
            no more than their own number.
        seed: Seed of the generated images.
        truncation: ψ of a style-based generator.
        use_ema: Take the moving average of the weights.
        batch_size: Images generated at once; default as many as fit, see :func:`sample_images`.
        device: Default a GPU where there is one.
        weights: File with the weights of Inception, behind FID; default the published ones in
            torch's hub folder.
        out: File; default ``<checkpoint>_metrics.json`` beside the checkpoint. A card of another
            evaluation that is there is kept by another name.
        size: Side of the images in pixels; default the config's.

    Returns:
        The path of the card.

    Raises:
        FileNotFoundError: If the checkpoint, its config, the images or weights of a metric are
            missing.
        ValueError: If one of them cannot be used.
    """
    if batch_size is not None:
        check_integers(batch_size=batch_size)
    device = find_device(device)
    checkpoint = expand_home(checkpoint)
    state = load_checkpoint_file(checkpoint)
    config = find_config(checkpoint) if config is None else Path(config)
    cfg = load_config(config)
    set_size(cfg, size)
    import_custom_modules(cfg)
    set_data_root(cfg, data)
    networks = {} if weights is None else dict(weights=str(weights))
    arguments = dict(seed=seed, truncation=truncation, sample_model='ema' if use_ema else 'orig')
    path = checkpoint.with_name(f'{checkpoint.stem}_metrics.json') if out is None else out
    path = check_writable(path, 'out')
    if has_content(path):
        MetricCard.read(path)  # what is no card is not replaced
    built = _build_metrics(cfg, metrics, arguments, num, networks)
    generator = load_generator(checkpoint, config, device, use_ema, size=size)
    # The discriminator and its frozen networks are in the checkpoint alone.
    check_metrics(built, generator, frozen_hashes(state['state_dict']))
    with _scope(cfg), explain_build_errors(cfg):
        dataset = DATASETS.build(training_images(cfg.train_dataloader.dataset))
    real = [read_image(dataset, i) for i in range(len(dataset))]
    for metric in built:
        metric.to(device)
        if isinstance(metric, PerceptualMetrics):
            metric.generator_source = lambda: generator
        metric.prepare_real(real)
    sharing: dict[str, list[SampleMetric]] = {}  # metrics by the images they take
    for metric in built:
        sharing.setdefault(metric.SAMPLER_MODE, []).append(metric)
    for some in sharing.values():
        _feed(some, generator, seed, batch_size, truncation)
    found: dict[str, float] = {}
    for metric in built:
        found |= metric.evaluate()
    card = make_card(
        built,
        found,
        state.get('meta', {}).get('iter'),
        checkpoint=checkpoint.name,
        checkpoint_hash=file_hash(checkpoint),
        config_hash=text_hash(cfg.pretty_text),
        ema=use_ema,
        seed=seed,
    )
    path, kept = card.write_apart(path)
    if kept is not None:
        note(f'{path} was the card of another evaluation, which is now {kept}')
    return path


def _feed(
    metrics: Sequence[SampleMetric],
    generator: nn.Module,
    seed: int,
    batch_size: int | None,
    truncation: float,
) -> None:
    """Generate what metrics of one mode take."""
    count = max(metric.num_fake for metric in metrics)
    batches = iterate_pixels(
        generator,
        count,
        seed,
        batch_size,
        truncation=truncation,
        precision=metrics[0].precision,
        num_arrays=count_arrays(metrics),
    )
    with tqdm(total=count, unit='image', disable=None) as bar:
        for images, arrays in batches:
            for metric in metrics:
                metric.process(dict(images=images, arrays=arrays))
            bar.update(len(images))


def _scope(cfg: Any) -> AbstractContextManager:
    """The names of components are those of the config, as in a training."""
    return DefaultScope.overwrite_default_scope(cfg.get('default_scope') or 'mmfncontra')


def _build_metrics(
    cfg: Any, metrics: Sequence[dict] | None, arguments: dict, num: int | None, networks: dict
) -> list[SampleMetric]:
    if not metrics:
        evaluator = cfg.get('test_evaluator') or []
        metrics = evaluator.get('metrics') if isinstance(evaluator, dict) else evaluator
    metrics = [metrics] if isinstance(metrics, dict) else metrics
    if not metrics:
        raise ValueError('the config has no test_evaluator: name the metrics')
    metrics = installed_metrics(metrics)
    if not metrics:
        raise ValueError('no metric is left: install the packages of those named above')
    with _scope(cfg), explain_build_errors(cfg):
        built = [
            METRICS.build(
                {
                    **metric,
                    **arguments,
                    **_number(metric, num),
                    **(networks if _is_of_inception(metric) else {}),
                }
            )
            for metric in metrics
        ]
    foreign = [type(metric).__name__ for metric in built if not isinstance(metric, SampleMetric)]
    if foreign:
        raise ValueError(
            f'test_evaluator.metrics must be metrics of generated images, got {", ".join(foreign)}'
        )
    return built


def _number(metric: dict, num: int | None) -> dict[str, int]:
    """Images of a metric: any number where features are kept, at most its own for pixels."""
    if num is None:
        return {}
    if _is_of_features(metric):
        return dict(num_fake=num)
    return dict(num_fake=min(num, metric.get('num_fake', num)))


def _is_of_features(metric: dict) -> bool:
    return str(metric['type']).rpartition('.')[2] == 'FeatureMetrics'


def _is_of_inception(metric: dict) -> bool:
    return _is_of_features(metric) and metric.get('extractor', 'inception') == 'inception'
