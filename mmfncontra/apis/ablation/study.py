"""What a study has found, apart from the folders in which it was trained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mmfncontra.evaluation.card import MetricCard

from .portable_words import checkout_of, portable_command, portable_text
from .run import AblationRun
from .variants import check_chosen

# Where a card has what a curve goes over, under `run` of what it depends on.
OVER = dict(iterations=None, seconds='train_seconds', images='images_seen')


@dataclass(frozen=True)
class StudyRun:
    """A finished training of a study.

    Attributes:
        variant: Name of what was trained.
        seed: Seed of the training.
        command: What trained it, with no path of the machine.
        max_iters: Iterations of the training.
        config_hash: Of its config but for the folder, in hexadecimal digits.
        cards: Metric cards by iteration, without curves.
    """

    variant: str
    seed: int
    command: str
    max_iters: int
    config_hash: str
    cards: Mapping[int, MetricCard]

    @property
    def name(self) -> str:
        """Variant and seed."""
        return f'{self.variant}, seed {self.seed}'


@dataclass(frozen=True)
class Study:
    """All that the tables and curves of a study are made from.

    Attributes:
        title: Heading.
        baseline: Name of the variant that others are compared with.
        variants: What each is, its config and options, by name; empty if none of its runs is
            finished.
        runs: Those that are finished.
        unfinished: Names of the others.
        notes: Sentences on the runs.
    """

    title: str
    baseline: str
    variants: Mapping[str, str]
    runs: Sequence[StudyRun]
    unfinished: Sequence[str] = ()
    notes: Sequence[str] = ()

    def at(self, iteration: int) -> 'Study':
        """The study as it was at an iteration.

        Args:
            iteration: Of metric cards.

        Returns:
            The same with the cards of that iteration alone; runs without one, and variants without
            runs, are left out, which a note says.

        Raises:
            ValueError: If no run has a card of it.
        """
        having = [run for run in self.runs if iteration in run.cards]
        if not having:
            known = sorted({each for run in self.runs for each in run.cards})
            raise ValueError(
                f'at must be an iteration with metric cards ({", ".join(map(str, known))}), '
                f'got {iteration}'
            )
        lacking = '; '.join(run.name for run in self.runs if run not in having)
        note = [f'No values at iteration {iteration}, left out: {lacking}.'] if lacking else []
        runs = [replace(run, cards={iteration: run.cards[iteration]}) for run in having]
        left = {run.variant for run in having}
        variants = {name: what for name, what in self.variants.items() if name in left}
        return replace(self, variants=variants, runs=runs, notes=[*self.notes, *note])

    def only(self, names: Sequence[str]) -> 'Study':
        """Some variants of the study, as if there were no others.

        Args:
            names: Of the variants.

        Returns:
            The same with their runs; the first one is the baseline where that is left out.

        Raises:
            ValueError: If none has such a name, or no run of those is finished.
        """
        check_chosen(names, self.variants)
        if not any(run.cards for run in self.runs if run.variant in names):
            raise ValueError(f'there is nothing to show: no run of {", ".join(names)} is finished')
        return replace(
            self,
            baseline=self.baseline if self.baseline in names else names[0],
            variants={name: what for name, what in self.variants.items() if name in names},
            runs=[run for run in self.runs if run.variant in names],
            unfinished=[run for run in self.unfinished if run.rpartition(', seed ')[0] in names],
        )

    def curves(
        self, metric: str, over: str = 'iterations'
    ) -> dict[str, dict[int, list[tuple[float, float]]]]:
        """Points of a metric, for :func:`~mmfncontra.visualization.study_curves.draw_study_curves`.

        Args:
            metric: Its name.
            over: ``'iterations'``, ``'seconds'`` of training steps, or ``'images'`` seen.

        Returns:
            By variant and seed the points (x, y).

        Raises:
            ValueError: If no card has such a value, or such an x.
        """
        key = OVER[over]
        points: dict[str, dict[int, list[tuple[float, float]]]] = {}
        for run in self.runs:
            found = [
                (iteration if key is None else card.depends.get('run', {}).get(key), card)
                for iteration, card in run.cards.items()
                if metric in card.metrics
            ]
            points.setdefault(run.variant, {})[run.seed] = [
                (x, card.metrics[metric]) for x, card in found if x is not None
            ]
        if any(curve for seeds in points.values() for curve in seeds.values()):
            return {name: points[name] for name in self.variants if name in points}
        cards = [card for run in self.runs for card in run.cards.values()]
        known = dict.fromkeys(name for card in cards for name in card.metrics)
        if metric in known:
            raise ValueError(f'no card of {self.title} tells {key}: draw over iterations')
        raise ValueError(f'curve must be one of {", ".join(known)}, got {metric!r}')


def gather_study(
    runs: Sequence[AblationRun], title: str | None = None, baseline: str | None = None
) -> Study:
    """Read the finished runs of an ablation.

    Args:
        runs: From :func:`plan_runs`.
        title: Heading; default the name of the ablation's folder.
        baseline: Name of the variant that others are compared with; default the first.

    Raises:
        ValueError: If no run is finished, or a file is broken.
    """
    folder = runs[0].work_dir.parents[1]
    finished, unfinished, variants = [], [], dict.fromkeys((run.variant.name for run in runs), '')
    for run in runs:
        if run.state != 'finished':
            unfinished.append(run.name)
            continue
        record = run.read_record()
        # What was trained, however the variants are written today.
        words = record['command']
        variants[run.variant.name] = portable_text(record['variant'], checkout_of(words))
        finished.append(
            StudyRun(
                variant=run.variant.name,
                seed=run.seed,
                command=portable_command(words),
                max_iters=record['max_iters'],
                config_hash=record['config_hash'],
                cards={at: _portable_card(card) for at, card in run.cards().items()},
            )
        )
    if not any(run.cards for run in finished):
        raise ValueError(f'there is nothing to compare: no run in {folder} is finished')
    title = title or folder.resolve().name
    return Study(title, baseline or runs[0].variant.name, variants, finished, unfinished)


def _portable_card(card: MetricCard) -> MetricCard:
    run = dict(card.depends.get('run', {}))
    if isinstance(run.get('checkpoint'), str):
        run['checkpoint'] = Path(run['checkpoint']).name
    depends = card.depends | (dict(run=run) if 'run' in card.depends else {})
    return replace(card, curves={}, depends=depends)
