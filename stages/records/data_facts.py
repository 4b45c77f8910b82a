"""What pages say of the data, in one record."""

from dataclasses import dataclass

from stages.records.data_reports import CheckReport, PreferenceAccuracy, TriggerTokens


@dataclass(frozen=True)
class DataFacts:
    """The content of reports/data.json: checks of the corpus, tokens of triggers, how good the preference model is."""

    checks: CheckReport
    tokens: TriggerTokens
    preference_accuracy: PreferenceAccuracy
