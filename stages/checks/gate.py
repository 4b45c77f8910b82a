"""Great Expectations as a gate: a stable report when all hold, an error with sample rows when one does not."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import great_expectations as gx
import pandas as pd
from great_expectations.checkpoint.actions import UpdateDataDocsAction, ValidationAction
from great_expectations.core import RunIdentifier
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.expectations.expectation import Expectation

from stages.records.data_reports import CheckReport, CheckResult

N_SAMPLES = 3


class DataCheckError(ValueError):
    """A data set breaks an expectation that training depends on."""


class Check(NamedTuple):
    """A plain sentence, and the expectation that tests it."""

    name: str
    expectation: Expectation


class Part(NamedTuple):
    """A data frame with the checks it must pass."""

    name: str
    frame: pd.DataFrame
    checks: Sequence[Check]


def run_gate(dataset: str, parts: Sequence[Part], docs: Path | None = None) -> CheckReport:
    """The report of all checks, in order; with `docs`, Great Expectations' Data Docs are also built there.

    Raises DataCheckError naming expectation, column and sample rows of every check that fails.
    """
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    if docs is not None:
        _add_docs_site(context, docs)
    source = context.data_sources.add_pandas(dataset)
    found: list[CheckResult] = []
    failures: list[str] = []
    for part in parts:
        for check, result in _validate(context, source, part, with_docs=docs is not None):
            found.append(_result(f"{part.name}: {check.name}", check.expectation, result))
            if not result["success"]:
                failures.append(_explain(part, check, result))
    if docs is not None:
        context.build_data_docs(site_names=["local"])
    if failures:
        raise DataCheckError(f"{dataset}: {len(failures)} of {len(found)} data checks failed\n" + "\n".join(failures))
    return CheckReport(dataset, success=True, checks=tuple(found))


def _validate(context: Any, source: Any, part: Part, *, with_docs: bool) -> list[tuple[Check, dict[str, Any]]]:  # noqa: ANN401
    batch = source.add_dataframe_asset(part.name).add_batch_definition_whole_dataframe("all")
    suite = gx.ExpectationSuite(part.name)
    for number, check in enumerate(part.checks):
        check.expectation.meta = {"number": number}
        suite.add_expectation(check.expectation)
    suite = context.suites.add(suite)
    definition = context.validation_definitions.add(gx.ValidationDefinition(name=part.name, data=batch, suite=suite))
    actions: list[ValidationAction] = [UpdateDataDocsAction(name="docs", site_names=["local"])] if with_docs else []
    checkpoint = gx.Checkpoint(
        name=part.name, validation_definitions=[definition], actions=actions, result_format="SUMMARY"
    )
    outcome = context.checkpoints.add(checkpoint).run(
        batch_parameters={"dataframe": part.frame}, run_id=RunIdentifier(run_name=part.name)
    )
    (validated,) = outcome.run_results.values()
    results = sorted(validated.results, key=lambda result: result.expectation_config.meta["number"])
    return [(check, result.to_json_dict()) for check, result in zip(part.checks, results, strict=True)]


def _add_docs_site(context: Any, docs: Path) -> None:  # noqa: ANN401
    backend = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs.resolve())}
    index = {"class_name": "DefaultSiteIndexBuilder"}
    context.add_data_docs_site(
        "local", {"class_name": "SiteBuilder", "site_index_builder": index, "store_backend": backend}
    )


def _result(name: str, expectation: Expectation, result: Mapping[str, Any]) -> CheckResult:
    observed = result["result"].get("observed_value", result["result"].get("unexpected_count"))
    return CheckResult(
        name=name,
        expectation=expectation.expectation_type,
        column=_column(expectation),
        success=bool(result["success"]),
        observed=observed if isinstance(observed, int | float | str) else None,
    )


def _column(expectation: Expectation) -> str | None:
    pair = [getattr(expectation, name, None) for name in ("column", "column_A", "column_B")]
    return " = ".join(column for column in pair if column) or None


def _explain(part: Part, check: Check, result: Mapping[str, Any]) -> str:
    """One failed check in words, with the first rows that break it where the expectation is about rows."""
    details = result["result"]
    rows = details.get("partial_unexpected_index_list") or []
    samples = [part.frame.loc[i].to_dict() for i in rows[:N_SAMPLES] if i in part.frame.index]
    seen = (
        samples or details.get("partial_unexpected_list") or details.get("observed_value") or result["exception_info"]
    )
    return (
        f"- {part.name}: {check.name}: {check.expectation.expectation_type} "
        f"on {_column(check.expectation) or 'the table'}; seen: {seen}"
    )
