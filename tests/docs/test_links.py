"""Every relative link of the documentation leads to a file, and to a heading of it."""

import re

import pytest

from tests.conftest import ROOT

PAGES = [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *sorted(ROOT.glob('docs/*.md'))]
LINK = re.compile(r'\]\((?!\w+:)([^)#]*)(?:#([^)]*))?\)')


def headings(page):
    """The names by which a link refers to the headings of a page, as GitHub makes them."""
    lines = re.sub(r'^```.*?^```$', '', page.read_text(), flags=re.M | re.S).splitlines()
    titles = [line.lstrip('#').strip().lower() for line in lines if line.startswith('#')]
    return {re.sub(r'[^\w\- ]', '', title).replace(' ', '-') for title in titles}


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_links(page):
    for target, heading in LINK.findall(page.read_text()):
        path = page.parent / target if target else page
        assert path.exists(), target
        assert not heading or heading in headings(path), f'{target}#{heading}'
