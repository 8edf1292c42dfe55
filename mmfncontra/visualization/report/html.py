"""Pages made of templates, each a single file that needs nothing else."""

import base64
import hashlib
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined


def render_page(template: str, *, script: str = '', **values: object) -> str:
    """A page with its style, and its script if it has one, inside.

    Args:
        template: Name of a file in ``templates`` that extends ``page.html``.
        script: Name of a file there with the script of the page.
        values: What the template names.

    Returns:
        HTML that can be written as UTF-8. Values are escaped, and the page's own policy forbids
        scripts and requests other than its own.
    """
    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    code = _read(script) if script else ''
    page = environment.get_template(template).render(
        style=_read('report.css'),
        script=code,
        script_hash=base64.b64encode(hashlib.sha256(code.encode()).digest()).decode(),
        **values,
    )
    # A path may hold bytes that are no text.
    return page.encode(errors='backslashreplace').decode()


def _read(name: str) -> str:
    return (files(__package__) / 'templates' / name).read_text('utf-8')
