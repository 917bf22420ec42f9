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
                "allocations_created",
                "Allocations made",
                counters.allocations_created,
            ),
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
                "dropped",
                "Application data without a permission or to a denied peer",
                counters.dropped,
            ),
        ] {
            counter(&mut encoder, name, help, &[(&[], value)])?;
        }
        let requests: [(Labels<'_>, u64); 4] = [
            (&[("outcome", "granted")], counters.granted),
            (&[("outcome", "refused")], counters.refused),
            (&[("outcome", "challenged")], counters.challenges),
            (&[("outcome", "throttled")], counters.throttled),
        ];
        counter(
            &mut encoder,
            "requests",
            "Requests other than Binding",
            &requests,
        )?;
        let packets: [(Labels<'_>, u64); 3] = [
            (&[("way", "to_peers")], counters.to_peers),
            (&[("way", "to_clients")], counters.to_clients),
            (&[("way", "direct")], counters.direct),
        ];
        counter(
            &mut encoder,
            "packets",
            "Application datagrams relayed",
            &packets,
        )?;
        let bytes: [(Labels<'_>, u64); 3] = [
            (&[("way", "to_peers")], counters.to_peers_bytes),
            (&[("way", "to_clients")], counters.to_clients_bytes),
            (&[("way", "direct")], counters.direct_bytes),
        ];
        counter(
            &mut encoder,
            "bytes",
            "Application data relayed, without headers",
            &bytes,
        )
    }
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
        let counters = Counters {
            allocations: 3,
            direct: 7,
            throttled: 9,
            ..Counters::default()
        };
        let text = write(counters, true).unwrap();
        for line in [
            "# TYPE dialtone_turn_allocations gauge",
            "dialtone_turn_allocations 3",
            "dialtone_turn_draining 1",
            "dialtone_turn_packets_total{way=\"direct\"} 7",
            "dialtone_turn_requests_total{outcome=\"throttled\"} 9",
            "dialtone_turn_bindings_total 0",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}: {text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
