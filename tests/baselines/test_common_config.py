"""Configurations: whole in YAML, unknown keys refused, all that is wrong told at once."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from baselines.common.config import Data, EncoderConfig, Training, from_yaml, override, to_yaml
from baselines.common.registry import METHODS, get
from baselines.common.schedule import rate
from forgebench.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Example:
    training: Training
    data: Data
    layers: tuple[int, ...] = (1, 2)
    words: tuple[str, str] = ("a", "b")
    maybe: float | None = None


EXAMPLE = Example(training=Training(epochs=2, batch_size=4, learning_rate=0.1), data=Data(size=32))


def test_it_comes_back_as_it_was():
    assert from_yaml(Example, to_yaml(EXAMPLE)) == EXAMPLE


def test_all_that_is_wrong_is_told_at_once():
    text = to_yaml(EXAMPLE).replace("epochs: 2", "epoch: 2").replace("size: 32", "size: many")
    with pytest.raises(InputError) as told:
        from_yaml(Example, text)
    assert "training.epoch: unknown. Did you mean 'epochs'?" in str(told.value)
    assert "training.epochs: missing" in str(told.value)
    assert "data.size: expected int, got 'many'" in str(told.value)


@pytest.mark.parametrize("text", ["[1, 2", "- 1", "3"])
def test_what_is_no_configuration_is_refused(text):
    with pytest.raises(InputError):
        from_yaml(Example, text)


def test_a_tuple_has_as_many_values_as_it_says():
    with pytest.raises(InputError, match="words"):
        from_yaml(Example, to_yaml(EXAMPLE).replace("- a\n", ""))


def test_a_boolean_is_no_number_and_a_choice_is_one_of_those_named():
    with pytest.raises(InputError, match="epochs"):
        override(EXAMPLE, {"training.epochs": "true"})
    with pytest.raises(InputError, match="'cosine' or 'step'"):
        override(EXAMPLE, {"training.schedule": "sine"})


def test_settings_are_changed_by_name():
    wanted = {"training.epochs": "9", "layers": "[3]", "maybe": "0.5", "training.learning_rate": "1"}
    changed = override(EXAMPLE, wanted)
    assert (changed.training.epochs, changed.layers, changed.maybe) == (9, (3,), 0.5)
    assert isinstance(changed.training.learning_rate, float)
    assert override(EXAMPLE, {"training.learning_rate": "3e-4"}).training.learning_rate == 3e-4
    with pytest.raises(InputError, match=r"Did you mean 'training.epochs'\?"):
        override(EXAMPLE, {"training.epoch": "9"})


def test_a_method_that_there_is_not_is_guessed():
    assert get("linear_probe").name == "linear-probe"
    with pytest.raises(InputError, match="Did you mean 'vilaco'"):
        get("vilacco")
    assert all(get(name).name == name for name in METHODS)


def test_steps_take_a_tenth_each():
    stepped = Training(epochs=9, batch_size=1, learning_rate=1.0, schedule="step", step_epochs=(3.0, 6.0))
    assert [rate(stepped, epoch) for epoch in (2.9, 3, 6.5)] == pytest.approx([1, 0.1, 0.01])
    ended = Training(epochs=4, batch_size=1, learning_rate=1.0, schedule="linear", min_learning_rate=0.2)
    assert [rate(ended, epoch) for epoch in (0, 2, 4)] == pytest.approx([1, 0.6, 0.2])


def test_an_encoder_is_named_or_random():
    assert EncoderConfig().name == ""
