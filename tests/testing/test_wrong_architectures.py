"""The conformance kit finds what is wrong, says how to mend it, and blames nothing else."""

import pytest
from support.paths import SAMPLE_PLUGINS
from support.wrong_architectures import CASES

import zoo
from zoo.testing.catalogue import list_checks
from zoo.testing.rule import CheckFailure
from zoo.testing.runner import call_check, run_checks
from zoo.testing.subject import Subject

PLUGINS = SAMPLE_PLUGINS
# They cannot be broken by an architecture: the zoo itself keeps to them.
KEPT_BY_THE_ZOO = {"check_unknown_option_is_refused"}
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


@pytest.mark.slow
@pytest.mark.parametrize("subject", CASES, indirect=True)
def test_nothing_else_fails_and_the_mend_is_named(subject):
    _, fails, mend = CASES[subject.name]
    report = run_checks(subject)
    messages = {result.name: result.message for result in report.failed}
    assert set(messages) == set(fails), messages
    assert mend in messages[fails[0]]
