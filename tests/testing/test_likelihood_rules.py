"""The kit finds what is wrong with a likelihood or a metric, says how to mend it, and blames nothing else."""

import json
import math

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from keras import ops
from support.laplace_density import Laplace
from support.paths import SUPPORT

import zoo
from zoo.cli import main
from zoo.likelihoods import LIKELIHOODS, Bernoulli, DiscretizedLogistic, Likelihood
from zoo.testing.kinds import make_subject
from zoo.testing.rule import CheckFailure, CheckSkipped
from zoo.testing.runner import call_check, run_checks

PLUGIN = str(SUPPORT / "laplace.py")
CASES = {}


def wrong(check, mend, **fields):
    """Enter a likelihood that breaks a rule, and a word of the mend."""

    def enter(cls):
        made = keras.saving.register_keras_serializable("test_likelihood_rules")(cls)
        CASES[check, cls.__name__] = {"summary": "Breaks a rule", "likelihood": made, **fields}, mend
        return made

    return enter


@wrong("check_likelihood_summary_is_one_line", "expected one line of 1 to 100", summary="")
class Silent(Laplace): ...


@wrong("check_likelihood_name_is_no_keras_loss", "choose another name", name="mse")
class NamedAsALoss(Laplace): ...


@wrong("check_likelihood_can_be_made", "output_channels.* returns 1.5: expected a whole number")
class HalfAChannel(Laplace):
    def output_channels(self, image_channels):
        return 1.5 * image_channels


@wrong("check_likelihood_can_be_made", "support is 'integers': expected 'binary'")
class OddSupport(Laplace):
    support = "integers"


@wrong("check_likelihood_can_be_made", "a function without arguments that returns one")
class NeedsAnArgument(Laplace):
    def __init__(self, least, **settings):
        super().__init__(least, **settings)


@wrong("check_log_prob_is_one_number_per_image", r"shape \(6, 8, 8\).*sum over pixels and channels")
class NotSummed(Laplace):
    def log_prob(self, images, parameters):
        return ops.sum(self._log_prob(images, parameters), axis=-1)


@wrong("check_log_prob_is_one_number_per_image", "of images one by one differs")
class NormalisedByTheBatch(Laplace):
    def _log_prob(self, images, parameters):
        return super()._log_prob(images - ops.mean(images, axis=0), parameters)


@wrong("check_log_prob_is_one_number_per_image", "NaN or infinite, for parameters around 0")
class LogarithmOfAnything(Laplace):
    def _log_prob(self, images, parameters):
        return ops.log(ops.split(parameters, 2, axis=-1)[0]) * images


@wrong("check_probabilities_sum_to_one", "sums to 2 over .*look for a missing constant")
class WithoutAConstant(Laplace):
    def _log_prob(self, images, parameters):
        return super()._log_prob(images, parameters) + math.log(2.0)


@wrong("check_probabilities_sum_to_one", "with support 'bytes'")
class MoreThanAllBytes(DiscretizedLogistic):
    def _log_prob(self, images, parameters):
        return super()._log_prob(images, parameters) + 0.01


@wrong("check_probabilities_sum_to_one", "sums to .* with support 'binary'")
class HalfABernoulli(Bernoulli):
    def _log_prob(self, images, parameters):
        return -images * ops.softplus(-parameters)


@wrong("check_likelihood_mean_is_an_image", r"in \[0, 1\]: clip what lies outside")
class UnboundedMean(Laplace):
    def mean(self, parameters):
        return ops.split(parameters, 2, axis=-1)[0]


@wrong("check_likelihood_sample_is_a_draw", "mean returns the mean")
class SampleIsTheMean(Laplace):
    def sample(self, parameters, seed=None):
        return self.mean(parameters)


@wrong("check_likelihood_sample_is_a_draw", "differs for the same seed")
class Unseeded(Laplace):
    def sample(self, parameters, seed=None):
        return super().sample(parameters, seed=int(np.random.default_rng().integers(2**31 - 1)))


@wrong("check_likelihood_sample_is_a_draw", "outside its support, 'bytes'")
class RealDraws(DiscretizedLogistic):
    def sample(self, parameters, seed=None):
        return super().sample(parameters, seed) + 0.3 / 255


@wrong("check_likelihood_sample_is_a_draw", "expected the same distribution in both")
class MirroredDraws(Bernoulli):
    def sample(self, parameters, seed=None):
        return 1.0 - super().sample(parameters, seed)


@wrong("check_likelihood_gradient_is_finite", "is NaN or infinite for the parameters")
class UnboundedScale(Laplace):
    def _split(self, parameters):
        location, raw = ops.split(parameters, 2, axis=-1)
        return 0.5 + location, ops.exp(raw)


@wrong("check_likelihood_gradient_is_finite", "the gradient of log_prob .* a gradient of infinity times zero")
class HiddenExponential(Laplace):
    def _split(self, parameters):
        location, raw = ops.split(parameters, 2, axis=-1)
        softplus = ops.where(raw < 20.0, ops.log1p(ops.exp(raw)), raw)
        return 0.5 + location, 1e-3 + softplus


@wrong("check_likelihood_keeps_its_configuration", "return every argument of __init__ in get_config", factory=True)
class Forgetful(Laplace):
    def get_config(self):
        return Likelihood.get_config(self)


@wrong("check_likelihood_trains_a_model", "expected it to fall: log_prob needs a gradient")
class Stepwise(Laplace):
    support = None

    def _log_prob(self, images, parameters):
        return -ops.abs(images - ops.round(2.0 * self.mean(parameters)) / 2.0)


def make_spec(name, fields):
    fields = dict(fields)
    if fields.pop("factory", False):
        fields["likelihood"] = lambda cls=fields["likelihood"]: cls(0.5)
    return zoo.LikelihoodSpec(**{"name": name, **fields})


@pytest.mark.parametrize(("check", "case"), CASES)
def test_the_check_fails_and_names_the_mend(clean_registry, check, case):
    fields, mend = CASES[check, case]
    spec = zoo.register(make_spec("wrong", fields))
    subject = make_subject(spec.name, "likelihood")
    (item,) = [item for item in zoo.testing.list_checks("likelihood") if item.name == check]
    with pytest.raises(CheckFailure, match=mend):
        call_check(item, subject)


@pytest.mark.slow
@pytest.mark.parametrize(("check", "case"), CASES)
def test_nothing_else_fails(clean_registry, check, case):
    spec = zoo.register(make_spec("wrong", CASES[check, case][0]))
    report = run_checks(make_subject(spec.name, "likelihood"), kind="likelihood")
    others = {result.name: result.message for result in report.failed if result.name != check}
    # What has no gradient or no density cannot train, whatever else it does.
    follows = {"check_likelihood_trains_a_model", "check_likelihood_gradient_is_finite"}
    assert set(others) <= (follows if check.startswith(("check_log_prob", "check_likelihood_gradient")) else set()), (
        others
    )


def test_every_rule_has_a_wrong_likelihood():
    found = {check for check, _ in CASES} | {"check_likelihood_loads_in_a_new_process"}
    assert found == {item.name for item in zoo.testing.list_checks("likelihood")}


@pytest.mark.slow
@pytest.mark.parametrize("name", LIKELIHOODS)
def test_the_zoos_own_keep_to_the_rules(name):
    report = zoo.testing.check_likelihood(name, fast=True)
    assert len(report.select("passed")) == len(report.results)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["laplace", "wide_laplace"])
def test_a_plugins_keep_to_the_rules(clean_registry, name):
    report = zoo.testing.check_likelihood(name, plugin=PLUGIN)
    assert len(report.select("passed")) == len(report.results)


def test_the_command_checks_all_that_a_plugin_provides(clean_registry):
    done = CliRunner().invoke(main, ["check", "--plugin", PLUGIN, "--fast", "--json"])
    assert done.exit_code == 0, done.output
    reports = json.loads(done.stdout)
    assert [report["name"] for report in reports] == ["laplace", "wide_laplace", "mae", "largest_mean"]
    assert all(report["passed"] for report in reports)


def test_a_loss_is_no_density(clean_registry):
    zoo.register("loss")(Stepwise)
    subject = make_subject("loss", "likelihood")
    (item,) = [it for it in zoo.testing.list_checks("likelihood") if it.name == "check_probabilities_sum_to_one"]
    with pytest.raises(CheckSkipped, match="its support is None"):
        call_check(item, subject)


METRICS = {
    "check_metric_has_a_definition": ({"definition": ""}, "definition is '': expected one line"),
    "check_metric_returns_numbers": (
        {"function": lambda images, reconstructions: np.log(abs(images - reconstructions).mean(axis=(1, 2, 3)))},
        "for exact reconstructions: .* its mean is -inf: .*return one finite number",
    ),
    "check_metric_repeats": (
        {"function": lambda images, _: np.random.default_rng().uniform(size=len(images))},
        "draw with a fixed seed",
    ),
}


@pytest.mark.parametrize("check", [item.name for item in zoo.testing.list_checks("metric")])
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_wrong_metrics(clean_registry, check):
    fields, mend = METRICS[check]
    valid = {"definition": "the mean", "function": lambda images, _: images.mean(axis=(1, 2, 3))}
    zoo.register(zoo.Metric("wrong", "wrong", **{**valid, **fields}))
    with pytest.raises(CheckFailure, match="1 of 3 checks failed") as failure:
        zoo.testing.check_metric("wrong")
    assert failure.match(mend)


def test_unknown_names_of_every_kind():
    with pytest.raises(zoo.errors.UnknownNameError, match="did you mean 'gaussian'"):
        zoo.testing.check_likelihood("gausian")
    with pytest.raises(zoo.errors.UnknownNameError, match="no metric is called 'absent': there are"):
        zoo.testing.check_metric("absent")
    done = CliRunner().invoke(main, ["check", "gausian"])
    assert (done.exit_code, "similar likelihoods: 'gaussian'" in done.stderr) == (2, True)
