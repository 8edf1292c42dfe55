"""A message hub that fetches what it is told when somebody asks."""

from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer, MessageHub
from torch import Tensor

from mmfncontra.utils.checks import check_integers

# Updates of a key that wait at most. Without a limit they fill the memory where nobody reads: all
# processes of a distributed training but the first.
_MOST_PENDING = 1000
# Values of a key that are kept. The doctor compares the latest 500 with the 10,000 before, the
# logger averages 10; curves and reports read the log, which has everything.
MOST_KEPT = 10_000


class _Row:
    """Scalars of one kind that were told together, copied into one tensor."""

    def __init__(self, scalars: list[Tensor]) -> None:
        # A copy: a scalar may be a buffer that the next step changes.
        self.tensor = torch.stack([scalar.detach().reshape(()) for scalar in scalars])
        self.values: list[float | int] | None = None


class DeferredMessageHub(MessageHub):
    """A ``MessageHub`` whose ``update_scalar`` does not wait for the device.

    Scalars are kept where they are, and written to the histories when one is read, by whatever way:
    ``log_scalars``, ``get_scalar``, ``state_dict`` (a checkpoint). Then all that is pending comes
    over in one copy, as it does after a thousand updates that nobody reads. A reader finds what
    mmengine's hub has: the values of all updates, in order, but of the latest ``max_values`` only.
    mmengine keeps a million, and each checkpoint with it.

    Args:
        name: Name of the instance.
        max_values: Values of a key that are kept; the oldest leave first.
        **kwargs: Of ``MessageHub``.

    Raises:
        ValueError: If ``max_values`` is not a positive integer.

    Example:
        >>> import torch
        >>> hub = DeferredMessageHub('example')
        >>> for loss in (0.5, 0.25):
        ...     hub.update_scalars({'train/loss': torch.tensor(loss)})
        >>> hub.get_scalar('train/loss').data[0].tolist()
        [0.5, 0.25]
    """

    def __init__(self, name: str, max_values: int = MOST_KEPT, **kwargs: Any) -> None:
        check_integers(max_values=max_values)
        super().__init__(name, **kwargs)
        self.max_values = max_values
        # By key: where the value lies, or is, and its count.
        self._pending: dict[str, list[tuple[tuple[_Row, int] | float, int]]] = {}

    @classmethod
    def get_instance(cls, name: str, **kwargs: Any) -> MessageHub:
        """The hub of a name, which ``MessageHub.get_instance`` finds too.

        Args:
            name: Its name.
            **kwargs: Of the constructor, if there is none of this name.

        Returns:
            The hub, of another class where one of this name has been made.
        """
        known = MessageHub._instance_dict
        if name not in known:
            known[name] = cls(name, **kwargs)
        return known[name]

    def update_scalar(
        self, key: str, value: Tensor | np.ndarray | float, count: int = 1, resumed: bool = True
    ) -> None:
        """Add a value to a history.

        Args:
            key: Name of the history.
            value: A number, or a tensor or array of one, on any device.
            count: What the value counts in a mean.
            resumed: Whether checkpoints hold the history.
        """
        self.update_scalars({key: dict(value=value, count=count)}, resumed)

    def update_scalars(self, log_dict: dict, resumed: bool = True) -> None:
        """Add values to several histories, tensors in one operation.

        Args:
            log_dict: Values by key, or dicts of ``value`` and ``count``.
            resumed: Whether checkpoints hold the histories.

        Raises:
            ValueError: If a tensor has more than one element.
        """
        kinds: dict[tuple, list[tuple[str, Tensor, int]]] = {}
        for key, value in log_dict.items():
            count = 1
            if isinstance(value, dict):
                value, count = value['value'], value.get('count', 1)
            self._set_resumed_keys(key, resumed)
            if key not in self._log_scalars:
                self._log_scalars[key] = HistoryBuffer()  # keeps the order of the keys
            if not isinstance(value, Tensor):
                self._pending.setdefault(key, []).append((self._get_valid_value(value), count))
            elif value.numel() != 1:
                raise ValueError(f'{key} must be one number, got shape {tuple(value.shape)}')
            else:
                kinds.setdefault((value.device, value.dtype), []).append((key, value, count))
        for told in kinds.values():
            row = _Row([value for _, value, _ in told])
            for i, (key, _, count) in enumerate(told):
                self._pending.setdefault(key, []).append(((row, i), count))
        if any(len(self._pending[key]) >= _MOST_PENDING for key in log_dict):
            self.flush()

    def flush(self) -> None:
        """Fetch what is pending and write it to the histories."""
        kinds: dict[tuple, dict[int, _Row]] = {}
        for updates in self._pending.values():
            for value, _ in updates:
                if isinstance(value, tuple):
                    row = value[0]
                    kinds.setdefault((row.tensor.device, row.tensor.dtype), {})[id(row)] = row
        for rows in kinds.values():
            fetched = iter(torch.cat([row.tensor for row in rows.values()]).tolist())
            for row in rows.values():
                row.values = [next(fetched) for _ in range(len(row.tensor))]
        for key in list(self._pending):
            self._write(key)

    @property
    def log_scalars(self) -> dict[str, HistoryBuffer]:
        """Histories by key, complete."""
        self.flush()
        return self._log_scalars

    def get_scalar(self, key: str) -> HistoryBuffer:
        """One history, complete; the device is waited for only if it has some of its values.

        Args:
            key: Its name.

        Raises:
            KeyError: If there is none.
        """
        updates = self._pending.get(key)
        if updates is None:
            return self._log_scalars[key] if key in self._log_scalars else super().get_scalar(key)
        if any(isinstance(value, tuple) for value, _ in updates):
            self.flush()
        else:
            self._write(key)
        return self._log_scalars[key]

    def state_dict(self) -> dict:
        """What a checkpoint holds."""
        self.flush()
        return super().state_dict()

    def load_state_dict(self, state_dict: dict | MessageHub) -> None:
        """Take the histories of a checkpoint, of each the latest values.

        Args:
            state_dict: From :meth:`state_dict`, or of mmengine's hub.
        """
        self.flush()
        super().load_state_dict(state_dict)
        for key, buffer in self._log_scalars.items():
            if len(buffer.data[0]) > self.max_values:
                values, counts = (part[-self.max_values :] for part in buffer.data)
                self._log_scalars[key] = HistoryBuffer(values, counts, buffer.max_length)

    def _write(self, key: str) -> None:
        updates = self._pending.pop(key)
        values = [v[0].values[v[1]] if isinstance(v, tuple) else v for v, _ in updates]
        counts = [count for _, count in updates]
        buffer = self._log_scalars[key]
        history, past_counts = buffer.data
        if len(history):  # once for all: each append of mmengine's copies the history
            values, counts = np.append(history, values), np.append(past_counts, counts)
        # Not in `max_length`, which checkpoints hold.
        most = min(buffer.max_length, self.max_values)
        values, counts = values[-most:], counts[-most:]
        self._log_scalars[key] = HistoryBuffer(values, counts, buffer.max_length)
