"""How a worker process loads its classifier."""

import gc

import pytest

from earmark_plugin_api import ClassifierError
from earmark_workers.engine.hosting import load_untraced


class Loading:
    """Notes what the garbage collector does while it is loaded."""

    def __init__(self, error=None):
        self.error = error
        self.device = None
        self.collecting = None

    def load(self, device):
        self.device, self.collecting = device, gc.isenabled()
        if self.error:
            raise self.error


@pytest.fixture(autouse=True)
def thaw():
    yield
    gc.unfreeze()


def test_no_garbage_is_looked_for_while_loading_but_afterwards():
    classifier = Loading()
    load_untraced(classifier, "cuda:1")
    assert (classifier.device, classifier.collecting) == ("cuda:1", False)
    assert gc.isenabled()


def test_a_classifier_that_cannot_be_loaded_leaves_the_collector_on():
    with pytest.raises(ClassifierError):
        load_untraced(Loading(ClassifierError("no")), "cpu")
    assert gc.isenabled()
