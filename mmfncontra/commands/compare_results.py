"""Put metric cards into one table, if they can stand in one, and print the tables of studies.

mmfncontra compare-results a_metrics.json b_metrics.json
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmfncontra.compat.versions import check_versions
from mmfncontra.utils.console import note
from mmfncontra.utils.files import whole_file


def table_parser() -> argparse.ArgumentParser:
    """Parser of what says how a study is shown, here and in the marks of pages."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group('of studies')
    group.add_argument('--only', nargs='+', metavar='NAME', help='some of the variants')
    group.add_argument('--baseline', metavar='NAME', help="default: the study's own")
    group.add_argument(
        '--metrics',
        nargs='+',
        metavar='NAME',
        help="columns, such as swd 'subband_*'; default: as in ablate",
    )
    group.add_argument(
        '--intervals', action='store_true', help='show 95 %% intervals of differences'
    )
    group.add_argument('--brief', action='store_true', help='leave out what the variants are')
    values = group.add_mutually_exclusive_group()
    values.add_argument(
        '--cards',
        choices=('last', 'best'),
        default='last',
        help="values at the end of each run, or each metric's best",
    )
    values.add_argument('--at', type=int, metavar='ITERATION', help='values at an iteration')
    return parser


def mark_parser() -> argparse.ArgumentParser:
    """Parser of what a mark of a page says."""
    parser = argparse.ArgumentParser(add_help=False, parents=[table_parser()])
    parser.add_argument('study')
    return parser


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Print a Markdown table of metric cards. Cards that depend on different '
        'things (number of images, real images, size, extractor …) are refused, saying which. Of '
        'a study, which ablate --export writes, print the table that the study made.',
        parents=[table_parser()],
    )
    parser.add_argument(
        'cards_or_studies',
        metavar='CARD',
        nargs='*',
        help='JSON files of test, or studies, each of which has a table of its own',
    )
    parser.add_argument('--csv', action='store_true', help='print unrounded values of studies')
    parser.add_argument(
        '--curve', metavar='METRIC', help='draw a metric of one study into --out, and no table'
    )
    parser.add_argument(
        '--over', choices=('iterations', 'seconds', 'images'), help='of --curve; default iterations'
    )
    parser.add_argument('--out', type=Path, metavar='FILE.png', help='of --curve')
    parser.add_argument(
        '--write',
        type=Path,
        metavar='PAGE',
        help="write anew what is in a page between '<!-- table: STUDY [options of studies] -->' and"
        " '<!-- end -->'",
    )
    args = parser.parse_args(argv)
    if not (args.cards_or_studies or args.write):
        parser.error('the following arguments are required: CARD')
    if (args.curve is None) != (args.out is None) or (args.over and args.curve is None):
        parser.error('--curve and --out need each other, and --over both')
    of_tables = ('baseline', 'metrics', 'brief', 'intervals', 'cards', 'at', 'csv')
    asked = [each for each in of_tables if getattr(args, each) != parser.get_default(each)]
    if args.curve and asked:
        parser.error(f'--curve draws the whole of a metric, without --{asked[0]}')
    args.is_asked = bool(asked or args.only or args.curve)
    if args.write and (args.cards_or_studies or args.is_asked):
        parser.error('--write takes studies and options from the marks of the page')
    args.refuse = parser.error
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Compare as the command line says."""
    args = parse_args(argv)
    check_versions()
    if args.write:
        write_page(args.write)
        return
    # Imported after parsing: --help answers at once, and after the check of what they need.
    from mmfncontra.apis.ablation.study_file import is_study, read_study
    from mmfncontra.apis.ablation.study_pages import make_table
    from mmfncontra.evaluation.card import compare_cards

    studies = [path for path in args.cards_or_studies if is_study(path)]
    cards = [path for path in args.cards_or_studies if path not in studies]
    if args.curve:
        if len(args.cards_or_studies) > 1 or cards:
            args.refuse(f'--curve takes one study, got {" ".join(args.cards_or_studies)}')
        draw_curve(args)
        return
    if args.is_asked and cards:
        args.refuse(f'the options are for studies, and {cards[0]} is none: leave them out')
    shown = [compare_cards(cards)] if cards else []
    for study in map(read_study, studies):
        table = make_table(study, args)
        shown.append(table.to_csv() if args.csv else f'## {study.title}\n\n{table.to_markdown()}')
    print('\n'.join(shown), end='')


def write_page(page: Path) -> None:
    """Write the tables of a page anew."""
    from mmfncontra.apis.ablation.marked_text import read_marked
    from mmfncontra.apis.ablation.study_pages import MARK, fill_tables

    text = fill_tables(read_marked(page, MARK), page, mark_parser())
    with whole_file(page) as unfinished:
        unfinished.write_text(text, encoding='utf-8')


def draw_curve(args: argparse.Namespace) -> None:
    """Draw the curves of a study."""
    from mmfncontra.apis.ablation.study_file import read_study
    from mmfncontra.apis.ablation.table import show_direction
    from mmfncontra.utils.checks import check_writable
    from mmfncontra.visualization.study_curves import draw_study_curves

    args.out = check_writable(args.out, '--out')
    over = args.over or 'iterations'
    label = 'seconds of training steps' if over == 'seconds' else over
    study = read_study(args.cards_or_studies[0])
    study = study if args.only is None else study.only(args.only)
    values = study.curves(args.curve, over)
    draw_study_curves(values, label, args.curve + show_direction(args.curve), args.out)
    note(f'{args.curve} over {over}: {args.out}')
    empty = [f'{name}, seed {s}' for name, seeds in values.items() for s in seeds if not seeds[s]]
    if empty:
        note(f'left out, for their cards do not have both: {"; ".join(empty)}')
