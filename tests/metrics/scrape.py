"""A scrape, read by Prometheus's own parser."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class Scrape:
    """The samples of one answer of `/metrics`."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self._samples: Samples = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in self.families.values()
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float:
        """The sample of this name with exactly these labels."""
        return self._samples[name, tuple(sorted(labels.items()))]

    def total(self, name: str, **labels: str) -> float:
        """The sum of the samples of this name with at least these labels."""
        return sum(
            value
            for (found, theirs), value in self._samples.items()
            if found == name and set(labels.items()) <= set(theirs)
        )

    def labels(self, name: str, label: str) -> set[str]:
        """The values of one label among the samples of this name."""
        return {dict(theirs)[label] for (found, theirs) in self._samples if found == name}
