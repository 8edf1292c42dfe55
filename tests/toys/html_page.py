"""Pages read back."""

import base64
from html.parser import HTMLParser
from pathlib import Path


class Page(HTMLParser):
    """Elements of a page with their attributes, and its text by element."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.texts: list[tuple[str, str]] = []
        self.within = ''
        self.source = path.read_text(encoding='utf-8')
        self.feed(self.source)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

        self.within = tag

    def handle_endtag(self, tag):
        self.within = ''

    def handle_data(self, data):
        self.texts.append((self.within, data))

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        shown = (data for tag, data in self.texts if tag not in ('script', 'style'))
        return ' '.join(' '.join(shown).split())

    @property
    def slider(self) -> dict:
        (slider,) = (each for each in self.all('input') if each['type'] == 'range')
        return slider

    @property
    def frames(self) -> list[dict]:
        return [each for each in self.all('figure') if 'frame' in each.get('class', '').split()]


def decode(uri: str) -> bytes:
    head, _, content = uri.partition(',')
    assert head in ('data:image/jpeg;base64', 'data:image/svg+xml;base64'), uri[:60]
    return base64.b64decode(content, validate=True)
