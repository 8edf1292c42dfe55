import dataclasses

import numpy as np
import pytest
import torch

from mmfncontra.datasets.shells.drawing import Coat, View, draw_shell
from mmfncontra.datasets.shells.procedural_shells import ProceduralShells, describe_shell
from mmfncontra.datasets.shells.raup import TURN, Shell, coil
from mmfncontra.registry import DATASETS

BLACK = (0.0, 0.0, 0.0)
AMMONITE = Shell(expansion=2.0, distance=0.4, turns=5)


@pytest.fixture(scope='module')
def shells():
    return ProceduralShells(num_images=16, size=32, seed=0)


def images(dataset):
    return np.stack([dataset[i]['img'] for i in range(len(dataset))])


def area_average(picture, factor):
    side = len(picture) // factor
    return picture.reshape(side, factor, side, factor, 3).astype(float).mean(axis=(1, 3))


def test_item(shells):
    item = shells[3]
    assert item['img'].shape == (32, 32, 3) and item['img'].dtype == np.uint8
    assert item['img_path'] == 'procedural shells #3'
    assert item['img_shape'] == (32, 32) and item['sample_idx'] == 3
    assert len(shells) == 16


def test_item_is_a_copy(shells):
    before = shells[0]['img'].copy()
    shells[0]['img'][:] = 0
    np.testing.assert_array_equal(shells[0]['img'], before)


def test_pipeline_and_registry():
    dataset = DATASETS.build(
        dict(
            type='mmfncontra.ProceduralShells',
            num_images=2,
            size=32,
            pipeline=[dict(type='mmfncontra.PackImages')],
        )
    )
    inputs = dataset[1]['inputs']
    assert inputs.shape == (3, 32, 32) and inputs.dtype == torch.uint8


def test_index_alone_decides(shells):
    fewer = ProceduralShells(num_images=3, size=32, seed=0)
    np.testing.assert_array_equal(images(shells)[:3], images(fewer))
    last_first = [draw_shell(*describe_shell(0, i), 32) for i in (15, 7, 0)]
    np.testing.assert_array_equal(images(shells)[[15, 7, 0]], last_first)


def test_indices_select(shells):
    chosen = ProceduralShells(num_images=8, size=32, indices=[5, 2])
    assert [chosen[i]['img_path'][-1] for i in range(2)] == ['5', '2']
    np.testing.assert_array_equal(images(chosen), images(shells)[[5, 2]])


def test_seeds_and_indices_differ(shells):
    other = images(ProceduralShells(num_images=16, size=32, seed=1))
    both = np.concatenate([images(shells), other]).reshape(32, -1)
    assert len(np.unique(both, axis=0)) == 32


def test_all_families_come():
    drawn = [describe_shell(0, i)[0] for i in range(64)]
    assert any(shell.fan for shell in drawn)
    tubes = [shell for shell in drawn if not shell.fan]
    assert any(s.translation == 0 for s in tubes) and any(s.translation > 5 for s in tubes)
    assert any(s.shape > 3 for s in tubes) and any(s.distance > 0.3 for s in tubes)


def test_light_plain_ground_with_a_shell_in_the_middle(shells):
    pictures = images(shells).astype(float)
    # Above and to the left there is no shadow.
    border = np.concatenate([pictures[:, 0], pictures[:, :, 0]], axis=1)
    assert border.min() > 190 and border.std(axis=1).max() < 8
    for picture in pictures:
        rows, columns = np.nonzero(np.abs(picture - picture[0, 0]).max(axis=-1) > 50)
        for place in rows, columns:
            assert abs((place.min() + place.max()) / 2 - 15.5) < 4
        assert 18 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 30


def test_uses_the_range(shells):
    pictures = images(shells)
    assert pictures.max() > 235 and pictures.min() < 70
    # Colours, not greys.
    assert np.ptp(pictures.astype(int), axis=-1).max() > 80


@pytest.mark.parametrize('size', [32, 33, 100])
def test_sizes(size):
    assert draw_shell(*describe_shell(0, 0), size).shape == (size, size, 3)


def test_edges_are_area_averages():
    form = AMMONITE, Coat(BLACK, BLACK, BLACK, BLACK), View(pitch=90)
    small, large = draw_shell(*form, 64).astype(float), draw_shell(*form, 320)
    error = np.abs(small - area_average(large, 5)).mean()
    aliased = np.abs(large[2::5, 2::5].astype(float) - area_average(large, 5)).mean()
    assert error < 1.2 and error < 0.6 * aliased
    # A black shell on a light ground: shades between lie on the edge only, but there they are.
    shades = small[..., 1]
    assert 0.01 < ((shades > 70) & (shades < 140)).mean() < 0.1


def test_same_shell_at_another_size():
    for index in range(4):
        form = describe_shell(0, index)
        error = draw_shell(*form, 32) - area_average(draw_shell(*form, 128), 4)
        assert np.abs(error).mean() < 4


def test_no_holes():
    form = Shell(expansion=2.0, distance=0.0, turns=5), Coat(BLACK, BLACK, BLACK, BLACK), View()
    silhouette = draw_shell(*form, 200)[..., 1] < 110
    # The outline of a planispiral shell seen edge on is convex row by row: one run of black each.
    runs = (np.diff(silhouette.astype(int), axis=1) == 1).sum(axis=1)
    assert set(runs[silhouette.any(axis=1)]) == {1}


def test_coil_closed_form():
    theta = np.linspace(-3 * TURN, 0, 7)
    r, y = coil(np.array(1.5), np.array(-0.25), theta, 2.0, 3.0)
    for k, angle in enumerate(theta):
        growth = np.exp(np.log(2.0) * angle / (2 * np.pi))
        assert r[k] == pytest.approx(1.5 * growth)
        assert y[k] == pytest.approx(-0.25 * growth + 3.0 * (growth - 1))


@pytest.mark.parametrize(
    'shell',
    [
        Shell(expansion=2.0, distance=0.4, ribs=12, rib_relief=0.1),
        Shell(expansion=1.2, distance=-0.1, translation=7.0, shape=1.3, canal=0.5, cords=8),
        Shell(expansion=1.2, distance=0.3, translation=3.0, shape=4.0, lean=0.8, squareness=2.4),
    ],
)
def test_one_whorl_on_is_w_times_farther(shell):
    theta = np.linspace(-2.2 * TURN, -1.2 * TURN, 9)[:, None]
    s = np.linspace(0, TURN, 17)[None]
    r, y = shell.surface(theta, s)
    r_on, y_on = shell.surface(theta + TURN, s)
    np.testing.assert_allclose(r_on, shell.expansion * r, rtol=1e-12, atol=1e-12)
    # Along the axis the same holds from the apex, which lies at −T.
    apex = -shell.translation
    np.testing.assert_allclose(y_on - apex, shell.expansion * (y - apex), rtol=1e-12, atol=1e-12)


def test_curve_has_raups_d_and_s():
    shell = Shell(expansion=2.0, distance=0.25, shape=1.6)
    r, y = shell.surface(np.zeros(1), np.linspace(0, TURN, 401))
    assert r.min() / r.max() == pytest.approx(0.25)
    assert np.ptp(y) / np.ptp(r) == pytest.approx(1.6)


def test_translation_is_the_slope_of_the_spire():
    shell = Shell(expansion=1.5, translation=2.5, turns=9)
    r, y = shell.surface(np.array([-TURN, -2.7 * TURN]), np.zeros(1))
    # The outer margin s = 0 keeps y_0 = 0 and is at 2 r_c: dy/dr is T per r_c.
    assert (y[0] - y[1]) / (r[0] - r[1]) * 2 == pytest.approx(2.5)


@pytest.mark.parametrize(
    'arguments',
    [dict(num_images=0), dict(num_images=2.5), dict(size=0), dict(size=64.0), dict(seed=-1)],
)
def test_bad_arguments(arguments):
    (name,) = arguments
    with pytest.raises(ValueError, match=f'{name} must'):
        ProceduralShells(**arguments)


@pytest.mark.parametrize(
    'change',
    [dict(expansion=1.0), dict(distance=1.0), dict(shape=0.0), dict(turns=0), dict(turns='six')],
)
def test_bad_form(change):
    (name,) = change
    with pytest.raises(ValueError, match=name):
        dataclasses.replace(AMMONITE, **change)


@pytest.mark.parametrize('fill', [0.0, 0.95])
def test_bad_fill(fill):
    with pytest.raises(ValueError, match='fill'):
        View(fill=fill)


def test_families_can_be_chosen():
    names = ['scallop', 'ammonite']
    drawn = [describe_shell(0, i, names)[0] for i in range(20)]
    assert {shell.fan for shell in drawn} == {True, False}
    assert all(shell.fan or shell.translation == 0 for shell in drawn)
    assert len(ProceduralShells(2, 32, families=['cone'])) == 2
    for wrong in (['clam'], []):
        with pytest.raises(ValueError, match='families must be some of'):
            ProceduralShells(2, 32, families=wrong)
