"""WordNet for the tests of this folder: really set up, once, and never skipped."""

from pathlib import Path

import pytest

from earmark.tagging.knowledge.lexicon import WordNetLexicon
from earmark.tagging.knowledge.synonyms import SynonymBook
from earmark.tagging.knowledge.wordnet_setup import WordNetSetupError, set_up_wordnet

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def wordnet_folder() -> Path:
    """The NLTK data folder of this checkout, fetched if it is not there yet."""
    try:
        return set_up_wordnet(REPOSITORY / "var")
    except WordNetSetupError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def lexicon(wordnet_folder) -> WordNetLexicon:
    return WordNetLexicon(wordnet_folder)


@pytest.fixture(scope="session")
def book(lexicon) -> SynonymBook:
    return SynonymBook(lexicon)
