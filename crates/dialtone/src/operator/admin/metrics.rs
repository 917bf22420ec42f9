//! The counters, as Prometheus reads them. No label has a value that a client chooses.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use turn::Counters;

/// OpenMetrics, which Prometheus asks for.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything that is counted, as text.
pub fn write(counters: Counters, is_draining: bool) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("dialtone_turn");
    registry.register_collector(Box::new(Snapshot {
        counters,
        is_draining,
    }));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Snapshot {
    counters: Counters,
    is_draining: bool,
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let counters = &self.counters;
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        gauge(
            &mut encoder,
            "build_info",
            "The version that runs",
            &[(&version, 1)],
        )?;
        let draining = u64::from(self.is_draining);
        gauge(
            &mut encoder,
            "draining",
            "Whether new allocations are refused",
            &[(&[], draining)],
        )?;
        let allocations = counters.allocations;
        gauge(
            &mut encoder,
            "allocations",
            "Allocations that exist",
            &[(&[], allocations)],
        )?;
        for (name, help, value) in [
            (
                "bindings",
                "Binding requests answered with an address",
                counters.bindings,
            ),
            (
                "bad_credentials",
                "Requests whose integrity no key fits",
                counters.bad_credentials,
            ),
            (
                "ignored",
                "Datagrams that were nothing to answer",
                counters.ignored,
            ),
            (
                "moves",
                "Times an allocation moved with its client",
                counters.moves,
            ),
            (
                "peer_errors",
                "ICMP errors that clients were told of",
                counters.peer_errors,
            ),
        ] {
            counter(&mut encoder, name, help, &[(&[], value)])?;
        }
        for (name, help, label, values) in families(counters) {
            let labels: Vec<_> = values.iter().map(|(value, _)| [(label, *value)]).collect();
            let values = labels.iter().zip(&values);
            let values: Vec<_> = values
                .map(|(labels, (_, value))| (&labels[..], *value))
                .collect();
            counter(&mut encoder, name, help, &values)?;
        }
        Ok(())
    }
}

/// A counter's name, what it counts, its label, and the values of that.
type Family = (
    &'static str,
    &'static str,
    &'static str,
    Vec<(&'static str, u64)>,
);

fn families(counters: &Counters) -> Vec<Family> {
    let (refusals, drops) = (&counters.refusals, &counters.drops);
    let (by_udp, by_tls) = (
        counters.allocations_created_udp,
        counters.allocations_created_tls,
    );
    let by_tcp = counters.allocations_created.saturating_sub(by_udp + by_tls);
    vec![
        (
            "allocations_created",
            "Allocations made, by what their clients came by",
            "transport",
            vec![("udp", by_udp), ("tcp", by_tcp), ("tls", by_tls)],
        ),
        (
            "requests",
            "Requests other than Binding",
            "outcome",
            vec![
                ("granted", counters.granted),
                ("refused", counters.refused),
                ("challenged", counters.challenges),
                ("throttled", counters.throttled),
            ],
        ),
        (
            "refusals",
            "Refused requests, by error code",
            "code",
            vec![
                ("300", refusals.try_alternate),
                ("400", refusals.bad_request),
                ("403", refusals.forbidden),
                ("420", refusals.unknown_attribute),
                ("437", refusals.allocation_mismatch),
                ("486", refusals.quota_reached),
                ("508", refusals.insufficient_capacity),
                ("other", refusals.other),
            ],
        ),
        (
            "packets",
            "Application datagrams relayed",
            "way",
            vec![
                ("to_peers", counters.to_peers),
                ("to_clients", counters.to_clients),
                ("direct", counters.direct),
            ],
        ),
        (
            "bytes",
            "Application data relayed, without headers",
            "way",
            vec![
                ("to_peers", counters.to_peers_bytes),
                ("to_clients", counters.to_clients_bytes),
                ("direct", counters.direct_bytes),
            ],
        ),
        (
            "drops",
            "Application datagrams dropped",
            "reason",
            vec![
                ("unbound", drops.unbound),
                ("unpermitted", drops.unpermitted),
                ("denied", drops.denied),
                ("over_bandwidth", drops.over_bandwidth),
                ("too_large", drops.too_large),
            ],
        ),
    ]
}

type Labels<'a> = &'a [(&'a str, &'a str)];

fn counter(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: &[(Labels<'_>, u64)],
) -> Result<(), fmt::Error> {
    family(encoder, name, help, values, ConstCounter::new)
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: &[(Labels<'_>, u64)],
) -> Result<(), fmt::Error> {
    family(encoder, name, help, values, ConstGauge::new)
}

fn family<M: EncodeMetric>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: &[(Labels<'_>, u64)],
    metric: impl Fn(u64) -> M,
) -> Result<(), fmt::Error> {
    let kind = metric(0).metric_type();
    let mut family = encoder.encode_descriptor(name, help, None, kind)?;
    if let [([], value)] = values {
        return metric(*value).encode(family);
    }
    for (labels, value) in values {
        metric(*value).encode(family.encode_family(labels)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_is_written_and_the_end_is_marked() {
        let mut counters = Counters {
            allocations: 3,
            direct: 7,
            throttled: 9,
            allocations_created: 6,
            allocations_created_udp: 3,
            allocations_created_tls: 2,
            ..Counters::default()
        };
        counters.refusals.quota_reached = 2;
        counters.drops.denied = 4;
        let text = write(counters, true).unwrap();
        for line in [
            "# TYPE dialtone_turn_allocations gauge",
            "dialtone_turn_allocations 3",
            "dialtone_turn_draining 1",
            "dialtone_turn_packets_total{way=\"direct\"} 7",
            "dialtone_turn_requests_total{outcome=\"throttled\"} 9",
            "dialtone_turn_bindings_total 0",
            "dialtone_turn_refusals_total{code=\"486\"} 2",
            "dialtone_turn_drops_total{reason=\"denied\"} 4",
            "dialtone_turn_allocations_created_total{transport=\"tcp\"} 1",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}: {text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn the_manual_names_metrics_that_exist() {
        let text = write(Counters::default(), false).unwrap();
        let manual = include_str!("../../../../../docs/operating.md");
        let mut named = manual
            .split('`')
            .filter(|it| it.starts_with("dialtone_turn_"));
        assert!(named.clone().count() > 3);
        assert!(named.all(|name| text.contains(name)), "{text}");
    }
}
