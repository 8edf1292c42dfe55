"""Images and epochs of a training, whatever its batches were before it was resumed."""

from collections.abc import Mapping
from typing import Any

from mmengine.dataset import InfiniteSampler
from mmengine.dist import get_world_size
from mmengine.runner import Runner


class StreamCount:
    """Counts the images that a training has taken from its stream, over all processes.

    Another size of batch, number of processes or of images counts from where a training is resumed:
    what was seen before stays seen, and the stream goes on at the first whole batch that begins
    where it was left, or after.

    Args:
        loader: The loader of the training.
    """

    def __init__(self, loader: Any) -> None:
        self._batches = loader.batch_sampler
        self._size = len(loader.dataset)
        self._world = get_world_size()
        self._from = self._first_batch = self._images = self._epoch_images = 0
        self._epochs = 0.0

    def enter(self, iteration: int, state: Mapping[str, Any] | None = None) -> int:
        """Go on at an iteration.

        Args:
            iteration: Iterations done.
            state: From :meth:`state`, of the checkpoint; None where batches, processes and images
                were as many as now.

        Returns:
            Batches of this process's stream that lie behind it.

        Raises:
            ValueError: If ``state`` is no such state.
        """
        state = {} if state is None else dict(state)
        images = state.get('images', self._taken(iteration))
        place = state.get('place', images)
        epochs, size = state.get('epochs', 0.0), state.get('dataset_size', self._size)
        since = state.get('epoch_images', 0)
        numbers = (images, place, epochs, size, since)
        if not all(isinstance(n, int | float) and 0 <= n < 2**62 for n in numbers) or not size:
            raise ValueError(f'the count of images must be that of a training, got {state}')
        if size != self._size:
            epochs, since = epochs + (images - since) / size, images
        self._epochs, self._epoch_images, self._images = float(epochs), since, images
        self._from, self._first_batch = iteration, self._batches_up_to(place)
        return self._first_batch

    def images(self, iteration: int) -> int:
        """Images seen.

        Args:
            iteration: Iterations done.
        """
        return self._images + self._place(iteration) - self._taken(self._first_batch)

    def epochs(self, iteration: int) -> float:
        """Times the training set was seen.

        Args:
            iteration: Iterations done.
        """
        return self._epochs + (self.images(iteration) - self._epoch_images) / self._size

    def state(self, iteration: int) -> dict[str, Any]:
        """What a checkpoint needs to go on counting.

        Args:
            iteration: Iterations done.
        """
        return dict(
            images=self.images(iteration),
            place=self._place(iteration),
            dataset_size=self._size,
            epochs=self._epochs,
            epoch_images=self._epoch_images,
        )

    def _place(self, iteration: int) -> int:
        """Images of the stream that lie behind an iteration, with those that were passed over."""
        return self._taken(self._first_batch + iteration - self._from)

    def _taken(self, batches: int) -> int:
        """Images in the first batches of all processes."""
        full, rest = divmod(batches, self._batches_per_epoch)
        return self._world * (
            full * self._images_per_epoch
            + min(rest * self._batches.batch_size, self._images_per_epoch)
        )

    def _batches_up_to(self, place: int) -> int:
        """The fewest batches that reach a place."""
        full, rest = divmod(-(-place // self._world), self._images_per_epoch)
        return full * self._batches_per_epoch - (-rest // self._batches.batch_size)

    @property
    def _batches_per_epoch(self) -> int:
        return 1 if self._is_endless else max(1, len(self._batches))

    @property
    def _images_per_epoch(self) -> int:
        """Those that a process takes before its sampler begins anew."""
        size = self._batches.batch_size
        if self._is_endless:
            return size
        whole = len(self._batches) * size
        sampler = getattr(self._batches, 'sampler', None)
        cut_short = not getattr(self._batches, 'drop_last', True) and sampler is not None
        return max(1, min(whole, len(sampler)) if cut_short else whole)

    @property
    def _is_endless(self) -> bool:
        return isinstance(getattr(self._batches, 'sampler', None), InfiniteSampler)


def stream_count(runner: Runner) -> StreamCount:
    """The count of a training; of another loop than ours, one that begins at iteration 0.

    Args:
        runner: The runner.
    """
    # Its property would build the loop.
    count = getattr(getattr(runner, '_train_loop', None), 'stream_count', None)
    return StreamCount(runner.train_dataloader) if count is None else count
