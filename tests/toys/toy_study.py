"""A study of two variants, four seeds and two metric cards each."""

from mmfncontra.apis.ablation.study import Study, StudyRun
from mmfncontra.evaluation.card import MetricCard


def toy_study(title: str = 'toy') -> Study:
    """The second variant is 0.5 to 0.8 better in swd, and was trained with what sees fd_lite0."""
    runs = []
    for variant, gain in dict(base=0.0, better=0.5).items():
        for seed in range(4):
            cards = {
                iteration: _card(variant, seed, iteration, 4 - gain * (1 + seed / 5))
                for iteration in (100, 200)
            }
            command = f'python tools/train.py a.py --seed {seed}'
            runs.append(StudyRun(variant, seed, command, 200, f'hash of {variant}', cards))
    variants = dict(base='a.py', better='a.py model.width=8')
    return Study(title, 'base', variants, runs, unfinished=['better, seed 4'])


def _card(variant: str, seed: int, iteration: int, value: float) -> MetricCard:
    lite0 = dict(num_fake=8, extractor='efficientnet_lite0')
    if variant == 'better':
        lite0['seen_in_training'] = ['fd_lite0']
    run = dict(seed=seed, versions=dict(torch='2.11.0'), images_seen=iteration * 8)
    return MetricCard(
        metrics=dict(swd=value + seed / 7 - iteration / 1000, fd_lite0=9.0, kid_lite2=float('nan')),
        depends=dict(
            ImageMetrics=dict(num_fake=8, size=64),
            lite0=lite0,
            run=run | dict(train_seconds=iteration * (1 + seed / 10)),
        ),
        iteration=iteration,
        warnings=['few images'],
    )
