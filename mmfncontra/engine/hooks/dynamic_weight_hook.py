"""Let the contrastive weights follow the self-information of the negatives."""

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmfncontra.registry import HOOKS
from mmfncontra.utils.unwrap import unwrap


@HOOKS.register_module()
class DynamicWeightHook(Hook):
    """Updates, synchronises and logs the weights of a model's ``contrast``.

    After every iteration the mean cosines of the step, averaged over ranks, are given to
    ``contrast.weights.update``. Without this hook the weights stay at their ``init``.

    Source: Yang et al., Expert Systems with Applications 263, 2025 (dynamic weight).
    """

    priority = 'NORMAL'  # before the logger, so that it logs this iteration's weights

    def before_train(self, runner: Runner) -> None:
        """Check that there is something to update.

        Raises:
            ValueError: If the model has no contrast.
        """
        contrast = self._contrast(runner)
        if contrast is None:
            raise ValueError(
                'DynamicWeightHook in custom_hooks needs model.contrast, which is None: '
                'remove the hook or set a contrast'
            )
        if not contrast.embeds:
            runner.logger.warning(
                'model.contrast.dwcl is None: without embeddings there is no self-information, '
                'the weights stay at their initial values'
            )

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Update the weights from the similarities of this iteration and log both."""
        contrast = self._contrast(runner)
        if not contrast.embeds:
            return
        similarity = contrast.similarity.clone()
        if 'skipped' in (outputs or {}):  # then it is that of an earlier step
            similarity.masked_fill_(outputs['skipped'] > 0, torch.nan)
        all_reduce(similarity, op='mean')
        weights = contrast.weights.update(similarity)
        scalars = {}
        for i, name in enumerate(contrast.levels):
            if name in contrast.difficulties:
                scalars[f'train/weight_{name}'] = weights[i]
                scalars[f'train/similarity_{name}'] = similarity[i]
        runner.message_hub.update_scalars(scalars)

    @staticmethod
    def _contrast(runner: Runner) -> object | None:
        return getattr(unwrap(runner.model), 'contrast', None)
