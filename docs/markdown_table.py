"""Tables in Markdown."""


def to_markdown(rows: list[list[str]], numbers: tuple[int, ...] | range) -> str:
    """Return a table: the header first; the columns of these numbers are aligned to the right."""
    header, *others = rows
    rule = ["--:" if column in numbers else "---" for column in range(len(header))]
    return "".join(f"| {' | '.join(row)} |\n" for row in (header, rule, *others))
