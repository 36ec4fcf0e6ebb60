from __future__ import annotations

import pytest

from earmark.review.errors import DecisionTableError
from earmark.review.tables import read_decisions, write_rows


def test_cells_that_a_spreadsheet_would_run_are_made_harmless():
    rows = [["=1+1", "@SUM(A1)", "-2"], ["a,b", 'say "x"', "Dog"]]

    assert "".join(write_rows(["path", "label", "group"], rows)) == (
        'path,label,group\n\'=1+1,\'@SUM(A1),\'-2\n"a,b","say ""x""",Dog\n'
    )


def test_a_table_is_read_with_its_lines_whatever_the_file_is_called_in_it():
    for name in ("file", "path", "file_id"):
        table = f"\ufeff{name},label,decision,words\n 7 ,Dog, Accept ,a; b;\n"
        rows = read_decisions(table, most=1)

        [row] = rows
        assert (row.line, row.file, row.decision, row.words) == (2, "7", "accept", ("a", "b"))


@pytest.mark.parametrize(
    "text",
    ["", "label,decision\nDog,accept\n", "file,label,decision\n" + "1,Dog,accept\n" * 3],
)
def test_what_is_no_table_of_decisions_is_refused(text: str):
    with pytest.raises(DecisionTableError):
        read_decisions(text, most=2)
