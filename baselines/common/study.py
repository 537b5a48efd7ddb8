"""A study: a method and its ablations trained, scored, and compared with negative controls; everything kept."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import forgebench
from baselines.common.config import override, to_yaml
from baselines.common.export import export
from baselines.common.loop import CONFIG, train
from baselines.common.method import Method
from baselines.common.telling import LOSSES
from baselines.common.variants import PAIRED, against_the_whole, ahead
from forgebench import Benchmark, controls
from forgebench.errors import InputError

METRICS = ("pixel_auc", "pixel_ap", "image_auc")
"""In which a method should beat every control."""
FULL = "full"
COMPARED, STUDY = "comparison.json", "study.json"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Study:
    """Where a study works and what it keeps."""

    method: Method
    config: Any
    data: str
    work: Path
    """Runs, predictions and scores: large, not kept."""
    keep: Path
    """Records, configurations, losses and comparisons: small, kept."""
    changes: Mapping[str, Mapping[str, str]]
    """What each ablation changes, by its name."""
    say: Say = print
    whole: str = FULL
    """What `config` is called: the method, or the ablation that the others differ from."""

    def run(self, also: Sequence[str] = ()) -> None:
        """Train what is not trained yet, score it, compare it, and keep the results.

        Args:
            also: Further benchmarks that the whole alone is scored on.
        """
        benchmark = forgebench.open_benchmark(self.data)
        self.keep.mkdir(parents=True, exist_ok=True)
        against = [self._scored(name, make(), benchmark, "controls") for name, make in controls.NEGATIVE.items()]
        variants: dict[str, Path] = {}
        for name, changes in {self.whole: {}, **self.changes}.items():
            run = self._trained(name, override(self.config, changes))
            variants[name] = self._scored(name, run, benchmark, "scores")
            self._keep(name, run, variants[name])
            self._compare(name, variants[name], against)
        if len(variants) > 1:
            _write(self.keep / PAIRED, against_the_whole(variants, self.whole))
        for path in also:
            other = forgebench.open_benchmark(path)
            folder = self._scored(f"{self.whole}-on-{other.name}", self.work / "runs" / self.whole, other, "scores")
            self._keep_record(folder, self.keep / other.name)
        for folder in against:
            self._keep_record(folder, self.keep / "controls" / folder.name)
        about = {
            "method": self.method.name, "benchmark": benchmark.name, "content_hash": benchmark.content_hash,
            "groups": _groups(against[0]), "whole": self.whole,
            "ablations": {name: dict(change) for name, change in self.changes.items()},
        }  # fmt: skip
        _write(self.keep / STUDY, about)

    def _trained(self, name: str, config: Any) -> Path:  # noqa: ANN401
        run = self.work / "runs" / name
        if (run / "method.json").is_file():
            if (run / CONFIG).read_text(encoding="utf-8") != to_yaml(config):
                raise InputError(f"{run} was trained with another configuration. Choose another --work, or remove it.")
            return run
        self.say(f"training {self.method.name}, {name}")
        self._forget_scores(name)
        train(self.method, config, self.data, run, resume=(run / "last.pt").is_file(), say=self.say)
        return export(run)

    def _forget_scores(self, name: str) -> None:
        """Scores of a run that is not there any more are not those of the one that takes its place."""
        for folder in sorted((self.work / "scores").glob("*")):
            if folder.name == name or folder.name.startswith(f"{name}-on-"):
                shutil.rmtree(folder)

    def _scored(self, name: str, method: Any, benchmark: Benchmark, kind: str) -> Path:  # noqa: ANN401
        """The folder of a score, made where it is not there yet."""
        home = self.work if kind == "scores" else self.work.parent / "controls" / benchmark.content_hash[:16]
        folder, sub = home / kind / name, home / "submissions" / f"{name}.parquet"
        if (folder / "record.json").is_file():
            if forgebench.read_record(folder)[0].benchmark.content_hash != benchmark.content_hash:
                raise InputError(f"{folder} is a score on another benchmark. Choose another --work, or remove it.")
            return folder
        self.say(f"scoring {name} on {benchmark.name}")
        sub.unlink(missing_ok=True)
        submission = forgebench.predict(str(method) if isinstance(method, Path) else method, benchmark, sub)
        forgebench.score(submission, benchmark, folder, without=("boundary", "regions"))
        return folder

    def _keep(self, name: str, run: Path, score: Path) -> None:
        self._keep_record(score, self.keep / name)
        shutil.copy(run / LOSSES, self.keep / name / LOSSES)
        # Where features lie on this machine says nothing of the run.
        text = re.sub(r"(?m)^(  cache: ).*$", r"\1''", (run / CONFIG).read_text(encoding="utf-8"))
        (self.keep / name / CONFIG).write_text(text, encoding="utf-8")

    def _keep_record(self, score: Path, to: Path) -> None:
        to.mkdir(parents=True, exist_ok=True)
        shutil.copy(score / "record.json", to / "record.json")

    def _compare(self, name: str, folder: Path, against: Sequence[Path]) -> None:
        """The paired differences to every control, corrected for all pairs."""
        found = {}
        for metric in METRICS:
            comparison = forgebench.compare([folder, *against], metric=metric)
            ours, _ = forgebench.read_record(folder)
            name_of_ours = ours.method.method
            mine = [one for one in comparison.differences if name_of_ours in (one.first, one.second)]
            found[metric] = [ahead(one, name_of_ours) for one in mine]
        _write(self.keep / name / COMPARED, found)


def _write(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _groups(score: Path) -> int:
    """How many photographs the test has."""
    import pyarrow.parquet as pq

    return len(set(pq.read_table(score / "per_image.parquet", columns=["group"])["group"].to_pylist()))
