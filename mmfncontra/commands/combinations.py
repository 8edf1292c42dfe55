"""Find out what of the configs can be combined, and write it down.

mmfncontra combinations --out docs/combinations.md
"""

from collections.abc import Sequence

from mmfncontra.apis.catalogue.page import write_page

DESCRIPTION = (
    'Build every combination of baseline, augmentation, regulariser and contrast in small, '
    'make a training step with it, and list what refuses. Takes a minute or two.'
)


def main(argv: Sequence[str] | None = None) -> None:
    """List as the command line says."""
    write_page(DESCRIPTION, 'mmfncontra.apis.catalogue.combinations.describe_combinations', argv)
