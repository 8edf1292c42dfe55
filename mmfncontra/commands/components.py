"""List the components of contrasts and what goes together.

mmfncontra components --out docs/components.md
"""

from collections.abc import Sequence

from mmfncontra.apis.catalogue.page import write_page

DESCRIPTION = (
    'List every view, negative, objective and weight of a contrast with its source and a '
    'config, after trying which go together. Takes half a minute.'
)


def main(argv: Sequence[str] | None = None) -> None:
    """List as the command line says."""
    write_page(DESCRIPTION, 'mmfncontra.apis.catalogue.components.describe_components', argv)
