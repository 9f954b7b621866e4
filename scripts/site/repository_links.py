#!/usr/bin/env python3
"""Preprocessor of mdBook: makes links to files outside docs/ links to the repository.

On GitHub `../examples/squish` in docs/squish.md is a file; on the site it is none. The address of the repository is
`output.html.git-repository-url` of book.toml. Where it names a real owner, OWNER/testplan in the text becomes that repository,
so that workflows can be copied.
"""

import json
import os
import posixpath
import re
import sys

LINK = re.compile(r"(\]\(|^\[[^\]]+\]: )(?![a-z]+:|#|/)([^)\s]+)", re.MULTILINE)
FENCE = re.compile(r"^(```.*?^```)", re.MULTILINE | re.DOTALL)


def with_links(text, page, root, repository):
    """The text of a page with its links outside the pages' folder made absolute."""

    def replaced(match):
        before, target = match.groups()
        path, mark, anchor = target.partition("#")
        inside = posixpath.normpath(posixpath.join(posixpath.dirname(page), path))
        if not inside.startswith("../"):
            return match.group()
        inside = inside[3:]
        kind = "tree" if os.path.isdir(os.path.join(root, inside)) else "blob"
        return f"{before}{repository}/{kind}/HEAD/{inside}{mark}{anchor}"

    parts = FENCE.split(text)
    return "".join(part if part.startswith("```") else LINK.sub(replaced, part) for part in parts)


def walk(items, change):
    for item in items:
        chapter = item.get("Chapter") if isinstance(item, dict) else None
        if chapter:
            change(chapter)
            walk(chapter["sub_items"], change)


def main():
    context, book = json.load(sys.stdin)
    html = context["config"].get("output", {}).get("html", {})
    repository = html["git-repository-url"].rstrip("/")
    owner_and_name = "/".join(repository.split("/")[-2:])

    def change(chapter):
        text = chapter["content"]
        if chapter.get("path"):
            text = with_links(text, chapter["path"], context["root"], repository)
        chapter["content"] = text.replace("OWNER/testplan", owner_and_name)

    walk(book["items"], change)
    json.dump(book, sys.stdout)


if __name__ == "__main__":
    if sys.argv[1:2] != ["supports"]:
        main()
