#!/usr/bin/env python3
"""docs.py ROOT: every C++ block of the documentation stands in a file that is compiled.

A block is preceded by the line `<!-- FILE -->` or `<!-- FILE docs:NAME -->`; it is the whole file,
or the lines between `// docs:NAME` and the next `// docs:end`, without their common indentation.
Links to files of the repository must lead somewhere.
"""
import pathlib
import re
import sys
import textwrap

BLOCK = re.compile(r"(?:<!-- (?P<file>[^ ]+)(?: docs:(?P<name>\w+))? -->\n+)?"
                   r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")


def region(text, name):
    found = re.search(rf"^ *// docs:{name}\n(.*?)^ *// docs:end\n", text, re.MULTILINE | re.DOTALL)
    return found and textwrap.dedent(found.group(1))


def check(root, page):
    text = page.read_text(encoding="utf-8")
    for block in BLOCK.finditer(text):
        if block["language"] != "cpp":
            continue
        line = text.count("\n", 0, block.start("language")) + 1
        source = block["file"] and root / block["file"]
        if not source:
            yield line, "a C++ block that no compiled file is named for"
            continue
        if not source.exists():
            yield line, f"there is no {block['file']}"
            continue
        wanted = source.read_text(encoding="utf-8")
        if block["name"]:
            wanted = region(wanted, block["name"])
        if wanted != block["text"]:
            yield line, f"differs from {block['file']} {block['name'] or ''}"
    prose = CODE.sub(lambda code: re.sub(r"[^\n]", " ", code[0]), text)
    for link in LINK.finditer(prose):
        if not (page.parent / link[1]).exists():
            yield text.count("\n", 0, link.start()) + 1, f"there is no {link[1]}"


def main(root):
    pages = [root / "README.md", *sorted((root / "docs").rglob("*.md"))]
    wrong = [f"{page.relative_to(root)}:{line}: {why}" for page in pages
             for line, why in check(root, page)]
    print("\n".join(wrong) or f"{len(pages)} pages")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
