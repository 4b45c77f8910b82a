"""Great Expectations as a gate: a stable report when all hold, an error that says what to do when one does not."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import great_expectations as gx
from great_expectations.checkpoint.actions import UpdateDataDocsAction, ValidationAction
from great_expectations.core import RunIdentifier
from great_expectations.data_context.types.base import ProgressBarsConfig

from stages.checks.messages import Failure, explain
from stages.checks.parts import Check, Part
from stages.params.errors import ParamsError
from stages.records.data_reports import CheckReport, CheckResult


class DataCheckError(ParamsError):
    """A data set breaks an expectation that training depends on."""


def run_gate(dataset: str, parts: Sequence[Part], docs: Path | None = None) -> CheckReport:
    """The report of all checks, in order; with `docs`, Great Expectations' Data Docs are also built there.

    Raises DataCheckError with what `explain` says of those that fail.
    """
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    if docs is not None:
        _add_docs_site(context, docs)
    source = context.data_sources.add_pandas(dataset)
    found: list[CheckResult] = []
    failures: list[Failure] = []
    for part in parts:
        for check, result in _validate(context, source, part, with_docs=docs is not None):
            found.append(_result(f"{part.name}: {check.name}", check, result))
            if not result["success"]:
                failures.append(Failure(part, check, result))
    if docs is not None:
        context.build_data_docs(site_names=["local"])
    if failures:
        raise DataCheckError(explain(dataset, failures, len(found)))
    return CheckReport(dataset, success=True, checks=tuple(found))


def _validate(context: Any, source: Any, part: Part, *, with_docs: bool) -> list[tuple[Check, dict[str, Any]]]:  # noqa: ANN401
    batch = source.add_dataframe_asset(part.name).add_batch_definition_whole_dataframe("all")
    suite = gx.ExpectationSuite(part.name)
    for number, check in enumerate(part.checks):
        check.expectation.meta = {"number": number}
        # Also because of expectations that differ in nothing else the suite keeps one.
        check.expectation.description = f"{check.name}: {check.allowed}"
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


def _result(name: str, check: Check, result: Mapping[str, Any]) -> CheckResult:
    observed = result["result"].get("observed_value", result["result"].get("unexpected_count"))
    return CheckResult(
        name=name,
        expectation=check.expectation.expectation_type,
        column=" = ".join(check.columns) or None,
        success=bool(result["success"]),
        observed=observed if isinstance(observed, int | float | str) else None,
    )
