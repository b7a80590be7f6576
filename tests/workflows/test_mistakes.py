"""Files of others that Python would rather not read are refused in words, whichever reader they are for."""

import pytest

from engagement.errors import Invalid
from engagement.workflows.commcare_mapping import read_mapping as read_commcare
from engagement.workflows.dhis2 import read_map
from engagement.workflows.evaluate_log import read_meaning
from engagement.workflows.log_mapping import read_mapping as read_log_mapping
from engagement.workflows.program import read_template
from engagement.workflows.program_file import read_program
from engagement.workflows.study_file import read_study

DEEP = "a = " + "[" * 3000 + "]" * 3000
LONG = "a = " + "9" * 5000


@pytest.mark.parametrize("text", [DEEP, LONG], ids=["deep", "long"])
def test_toml_that_python_would_rather_not_read_is_refused_in_words(text):
    words = "inside of one another" if text is DEEP else "a number is too long"
    for [mistake] in (read_program(text).mistakes, read_study(text).mistakes):
        assert words in mistake.words
    for read in (read_map, read_meaning, read_log_mapping, read_template):
        with pytest.raises(Invalid, match=words):
            read(text.encode())
    with pytest.raises(Invalid, match=words):
        read_commcare(text)


def test_a_file_that_is_no_text_is_refused_in_words():
    for read in (read_map, read_meaning, read_log_mapping, read_template):
        with pytest.raises(Invalid, match="no text in UTF-8, from byte 6 on"):
            read(b'a = "\xff"')
