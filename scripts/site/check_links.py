#!/usr/bin/env python3
"""Checks the built site: each link to a page or an anchor of it leads somewhere. Prints what does not, and ends with 1."""

import os
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.links, self.anchors = [], set()

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        for name in ("id", "name"):
            if attributes.get(name):
                self.anchors.add(attributes[name])
        for name in ("href", "src"):
            if attributes.get(name):
                self.links.append(attributes[name])


def read(path):
    page = Page()
    with open(path, encoding="utf-8") as file:
        page.feed(file.read())
    return page


def main(root):
    files = [os.path.join(folder, name) for folder, _, names in os.walk(root) for name in names if name.endswith(".html")]
    # 404.html is served for any path, so its links are absolute.
    pages = {os.path.normpath(path): read(path) for path in files if os.path.basename(path) != "404.html"}
    wrong, count = [], 0
    for path, page in pages.items():
        for link in page.links:
            if ":" in link.split("/")[0] or link.startswith("//"):
                continue
            count += 1
            file, anchor = urldefrag(link)
            target = os.path.normpath(os.path.join(os.path.dirname(path), unquote(file))) if file else path
            if not os.path.exists(target):
                wrong.append(f"{path}: there is no {link}")
            elif anchor and target in pages and unquote(anchor) not in pages[target].anchors:
                wrong.append(f"{path}: no heading is {link}")
    print("\n".join(wrong) or f"{count} links within {len(pages)} pages lead somewhere")
    return 1 if wrong or count < 500 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
