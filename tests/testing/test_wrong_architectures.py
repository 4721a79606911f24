"""The conformance kit finds what is wrong, says how to mend it, and blames nothing else."""

import importlib
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import pytest
from support.paths import SAMPLE_PLUGINS
from support.wrong_architectures import CASES

import zoo
from zoo.testing.catalogue import list_checks
from zoo.testing.checks import exporting, saving
from zoo.testing.fresh_process import load_saved
from zoo.testing.rule import CheckFailure
from zoo.testing.runner import call_check, run_checks
from zoo.testing.subject import Subject

PLUGINS = SAMPLE_PLUGINS
# They cannot be broken by an architecture: the zoo itself keeps to them.
KEPT_BY_THE_ZOO = {"check_unknown_option_is_refused"}
IN_A_NEW_PROCESS = "check_saved_model_loads_in_a_new_process"
WITH_KERAS = "check_listing_imports_no_keras"


@pytest.fixture
def subject(request, clean_registry):
    zoo.register(CASES[request.param][0])
    return Subject(request.param)


def test_every_check_has_a_wrong_architecture():
    found = {fails[0] for _, fails, _ in CASES.values()} | {"check_saved_model_is_the_same", "check_float16_step"}
    assert found | KEPT_BY_THE_ZOO | {WITH_KERAS} == {item.name for item in list_checks()}


# Of each kind one; the slow test below does all.
@pytest.mark.parametrize("subject", ["idle_default", "blind", "sigmoid_at_the_end", "no_configuration"], indirect=True)
def test_the_check_fails_and_names_the_mend(subject):
    _, (check, *_), mend = CASES[subject.name]
    (item,) = [item for item in list_checks() if item.name == check]
    with pytest.raises(CheckFailure) as failure:
        call_check(item, subject)
    assert mend in str(failure.value)


@pytest.fixture(scope="module")
def other_process():
    """Another process, which has the layers of all wrong architectures and nothing else of this one."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, importlib.import_module, (__name__,)) as executor:
        yield executor


@pytest.fixture
def loaded_elsewhere(request, other_process, monkeypatch):
    """Saved models are loaded in one other process, since a new one for each starts TensorFlow again and again."""

    def run_in_it(task, *, plugin, modules, arguments):
        assert (task, plugin, modules) == ("loading", None, [__name__])
        try:
            return other_process.submit(load_saved, *arguments).result()
        except Exception as error:
            raise CheckFailure(f"in another process: {error}") from error

    name = request.node.callspec.params["subject"]
    if IN_A_NEW_PROCESS not in CASES[name][1]:
        monkeypatch.setattr(saving, "run_fresh", run_in_it)


@pytest.fixture
def exported_if_wrong(request, monkeypatch):
    """Converters run where they should fail alone: they take as long as all other checks together."""
    if "check_export" not in CASES[request.node.callspec.params["subject"]][1]:
        monkeypatch.setattr(exporting, "find_converters", lambda: ([], "not here"))


@pytest.mark.slow
@pytest.mark.usefixtures("loaded_elsewhere", "exported_if_wrong")
@pytest.mark.parametrize("subject", CASES, indirect=True)
def test_nothing_else_fails_and_the_mend_is_named(subject):
    _, fails, mend = CASES[subject.name]
    report = run_checks(subject)
    messages = {result.name: result.message for result in report.failed}
    assert set(messages) == set(fails), messages
    assert mend in messages[fails[0]]
