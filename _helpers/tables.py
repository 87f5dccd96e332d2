"""Sphinx extension: what a cell prints in columns is a table on the page; scripts and notebooks keep the text.

A block of output is read line by line. Lines are a table as long as the places that are blank in all of them
leave the same columns; everything else stays as it was. No word that is seen is added, lost or moved.
"""

import itertools
import re

from docutils import nodes

#: Blank places between columns, at least.
GAP = 2
NUMBER = re.compile(r"[-+]?\d[\d,.]*(e[-+]\d+)?%?( \[.*\]| [A-Za-z]+)?|p = .*|nan")
OUTPUT = "sphx-glr-script-out"


def _columns(lines, gap):
    """Starts and ends of the columns that are left where all lines are blank."""
    width = max(map(len, lines))
    used = [any(line[at : at + 1].strip() for line in lines) for at in range(width)]
    edges = [
        at for at, (a, b) in enumerate(itertools.pairwise([False, *used, False])) if a != b
    ]
    columns = []
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if columns and start - columns[-1][1] < gap:
            columns[-1][1] = end
        else:
            columns.append([start, end])
    return columns


def _cells(lines, columns):
    return [[line[start:end].strip() for start, end in columns] for line in lines]


def _framed(lines):
    """Rows as pandas prints them: one blank is enough, words of the header end where values end."""
    first = len(lines[0]) - len(lines[0].lstrip())
    columns, open_ = [], False
    for start, end in _columns(lines, 1):
        if columns and (end <= first or open_):
            columns[-1][1] = end
        else:
            columns.append([start, end])
        below = any(line[columns[-1][0] : end].strip() for line in lines[1:])
        open_ = end > first and not below  # the next word of a header
    rows = _cells(lines, columns)
    words = all(all(row) and " " not in "".join(row[1:]) for row in rows[1:])
    fits = not rows[0][0] and 1 < len(columns) <= len(lines[0].split()) + 1
    return rows if words and fits else None


def _rows(lines):
    """Cells of lines that are one table, the header first; None if they are none."""
    if lines[0].startswith(" ") and (rows := _framed(lines)):
        return rows
    rows = _cells(lines, _columns(lines, GAP))
    thin = any(sum(map(bool, row)) < 2 for row in rows)
    return None if thin or not all(row[0] for row in rows[1:]) else rows


def _has_header(rows):
    """Is the first row a header: without a name for the rows, or without digits above digits?"""
    first, below = "".join(rows[0]), "".join(cell for row in rows[1:] for cell in row[1:])
    return not rows[0][0] or (re.search(r"\d", below) and not re.search(r"\d", first))


def _apart(line):
    return re.split(r"\s{2,}", line.strip())


def _paragraph(lines):
    """Parts of lines without a blank line between them."""
    parts, at = [], 0
    while at < len(lines):
        best, n = None, 1
        for end in range(at + 2, len(lines) + 1):
            rows = _rows(lines[at:end])
            if not rows or (best and len(rows[0]) < len(best[0])):
                break
            best, n = rows, end - at
        if best:
            header = bool(_has_header(best))
            parts.append(("table", best[0] if header else None, best[header:]))
        elif parts and parts[-1][0] == "table" and len(row := _apart(lines[at])) > 1:
            parts.append(("table", None, [row]))  # a row of its own
        elif parts and parts[-1][0] == "text":
            parts[-1][1].append(lines[at])
        else:
            parts.append(("text", [lines[at]]))
        at += n
    loose = [
        line
        for kind, block, *_ in parts
        if kind == "text"
        for line in (block[0], block[-1])
    ]
    torn = any(len(_apart(line)) > 1 for line in loose)
    return [("text", lines)] if torn else parts


def split_output(text):
    """Part the output of a cell into text and tables.

    Parameters
    ----------
    text : str
        What was printed.

    Returns
    -------
    list of tuple
        ``("text", lines)`` or ``("table", header, rows)``, where rows are lists of cells and the header
        is None or one of them.
    """
    parts = []
    for blank, group in itertools.groupby(
        text.rstrip().split("\n"), lambda line: not line.strip()
    ):
        lines = list(group)
        for part in [("text", lines)] if blank else _paragraph(lines):
            if part[0] == "text" and parts and parts[-1][0] == "text":
                parts[-1][1].extend(part[1])
            else:
                parts.append(part)
    return parts


def _row(cells, numeric):
    row = nodes.row()
    for cell, number in zip(cells, numeric, strict=True):
        entry = nodes.entry("", nodes.paragraph(cell, cell))
        entry["classes"] += ["num"] * number
        row += entry
    return row


def table_node(header, rows, title="", section=""):
    """A table whose first column names its rows, with numbers to the right, below its title.

    Without a title its name is that of its section, which a screen reader says and nobody sees twice.

    Parameters
    ----------
    header : list of str or None
        Names of the columns.
    rows : list of list of str
        Cells.
    title, section : str
        What stands above the table, and above both.
    """
    columns = list(zip(*rows, strict=True))
    numeric = [
        all(NUMBER.fullmatch(c) for c in column if c) and any(column) for column in columns
    ]
    numeric[0] = False
    group = nodes.tgroup(cols=len(columns))
    group += nodes.colspec(colwidth=1, stub=1)
    group += [nodes.colspec(colwidth=1) for _ in columns[1:]]
    if header:
        group += nodes.thead("", _row(header, numeric))
    group += nodes.tbody("", *(_row(row, numeric) for row in rows))
    table = nodes.table("", group, classes=["printed", "colwidths-auto"])
    if name := title or section:
        unseen = [] if title else ["visually-hidden"]
        table.insert(0, nodes.title(name, name, classes=unseen))
    return table


def _show_tables(app, doctree):
    """On ``doctree-read``: replace output in columns by tables."""
    if not app.env.docname.startswith("auto_examples/plot_"):
        return
    for block in [*doctree.findall(nodes.literal_block)]:
        parts = split_output(block.astext()) if OUTPUT in block["classes"] else []
        if not any(kind == "table" for kind, *_ in parts):
            continue
        box, title, section = nodes.container(classes=["printed-parts"]), "", block
        while not isinstance(section, nodes.section):
            section = section.parent
        for number, (kind, *part) in enumerate(parts):
            if kind == "table":
                box += table_node(*part, title, section[0].astext())
                box[-1]["ids"].append(f"printed-{block.line}-{number}")
                title = ""
                continue
            lines = part[0]
            alone = lines[-2:-1] == [""] or lines[-1].endswith(":")
            if number + 1 < len(parts) and alone:  # it says what follows
                *lines, title = lines
            if text := "\n".join(lines).strip("\n"):
                piece = block.deepcopy()
                piece.children, piece.rawsource = [nodes.Text(text)], text
                box += piece
        block.parent.replace(block, box)


def setup(app):
    """Connect to Sphinx."""
    app.connect("doctree-read", _show_tables)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
