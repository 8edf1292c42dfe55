import json
from pathlib import Path

from matplotlib.figure import Figure

from mmfncontra.visualization import plot_curves, read_scalars


def write(work_dir: Path, stamp: str, records: list[dict], tail: str = '') -> None:
    folder = work_dir / stamp / 'vis_data'
    folder.mkdir(parents=True)
    lines = ''.join(json.dumps(record) + '\n' for record in records)
    (folder / 'scalars.json').write_text(lines + tail)


def train(step: int, **scalars: float) -> dict:
    return dict(scalars, iter=step, step=step)


def test_resumed_run_takes_over(tmp_path: Path) -> None:
    write(tmp_path, '20250101_000000', [train(s, loss_gen=1.0) for s in (10, 20, 30, 40)])
    # Resumed from a checkpoint at 20 with another interval, and behind the first one's end.
    write(tmp_path, '20250102_000000', [train(s, loss_gen=2.0) for s in (25, 35)])
    records = read_scalars(tmp_path)
    assert [(r['step'], r['loss_gen']) for r in records] == [(10, 1), (20, 1), (25, 2), (35, 2)]


def test_validation_joins_its_iteration(tmp_path: Path) -> None:
    write(tmp_path, '20250101_000000', [train(10, loss_gen=1.0), dict(fid=50.0, step=10)])
    write(tmp_path, '20250102_000000', [dict(fid=40.0, step=0)])  # validated only
    assert read_scalars(tmp_path) == [
        dict(fid=40.0, step=0),
        dict(fid=50.0, loss_gen=1.0, iter=10, step=10),
    ]


def test_half_a_line_is_no_record(tmp_path: Path) -> None:
    write(tmp_path, '20250101_000000', [train(10, loss_gen=1.0)], tail='{"loss_gen": 0.')
    assert read_scalars(tmp_path) == [train(10, loss_gen=1.0)]


def test_nothing_logged(tmp_path: Path) -> None:
    assert read_scalars(tmp_path) == []
    figure = plot_curves([])
    assert 'No scalars' in figure.texts[0].get_text()
    figure.savefig(tmp_path / 'curves.png')


def lines(figure: Figure) -> dict[str, dict]:
    return {
        axes.get_title(): {
            line.get_label(): list(zip(*line.get_data(), strict=True)) for line in axes.lines
        }
        for axes in figure.axes
    }


def test_panels() -> None:
    records = [
        train(10, loss_disc=2.0, loss_dwcl=0.7, weight_easy=0.1, lr=1e-4, time=0.2),
        train(20, loss_disc=1.0, loss_dwcl=0.6, weight_easy=0.2, similarity_easy=0.9),
        train(30, r_t=0.5, p_ada=0.1),
    ]
    assert lines(plot_curves(records)) == {
        'Losses': {'disc': [(10, 2), (20, 1)]},
        'Contrastive losses': {'dwcl': [(10, 0.7), (20, 0.6)]},
        'Weights of the negatives': {'easy': [(10, 0.1), (20, 0.2)]},
        'Cosine similarity to the negatives': {'easy': [(20, 0.9)]},
        'Overfitting r_t, and the strengths that follow it': {
            'r_t': [(30, 0.5)],
            'p_ada': [(30, 0.1)],
        },
    }


def test_baseline_has_its_losses_only() -> None:
    figure = plot_curves([train(10, loss_disc=2.0, loss_gen=1.0)])
    assert list(lines(figure)) == ['Losses']
    assert figure.axes[0].lines[0].get_marker() == 'o'  # a single point shows


def test_not_a_number_is_a_gap(tmp_path: Path) -> None:
    write(tmp_path, '20250101_000000', [train(s, loss_gen=float('nan')) for s in (10, 20)])
    plot_curves(read_scalars(tmp_path)).savefig(tmp_path / 'curves.png')
