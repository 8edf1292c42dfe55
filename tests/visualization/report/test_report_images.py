import io
import itertools

import numpy as np
import pytest
from html_page import decode
from PIL import Image

from mmfncontra.visualization.report.images import inline_pictures


@pytest.fixture
def paths(tmp_path):
    """Noise, which no compression makes small."""
    pixels = np.random.default_rng(0).integers(0, 256, (100, 500, 3), dtype=np.uint8)
    paths = {number: tmp_path / f'{number}.png' for number in range(3)}
    for path in paths.values():
        Image.fromarray(pixels).save(path)
    return paths


def widths(uris):
    return {Image.open(io.BytesIO(decode(uri))).width for uri in uris.values()}


def test_pictures_are_reduced_together_as_far_as_it_takes(paths):
    whole = inline_pictures(paths, 10_000_000)
    assert list(whole) == [0, 1, 2] and widths(whole) == {500}
    sizes = []
    for expected in (480, 320, 240, 160, 96):
        limit = sum(map(len, whole.values())) - 1
        whole = inline_pictures(paths, limit)
        assert widths(whole) == {expected}
        sizes.append(sum(map(len, whole.values())))
        assert sizes[-1] <= limit
    assert all(large > small for large, small in itertools.pairwise(sizes))
    # No further than that.
    assert widths(inline_pictures(paths, 1)) == {96}


def test_what_is_no_picture_is_left_out(paths):
    paths[1].write_bytes(b'')
    assert list(inline_pictures(paths, 10_000_000)) == [0, 2]
    assert inline_pictures({}, 1) == {}
