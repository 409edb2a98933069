//! Where reads went and how far replicas are, in the Prometheus text format; every name stands
//! here once.

use std::fmt::Write;
use std::sync::atomic::Ordering::Relaxed;

use super::rotation::{Replica, Rotation};

/// Name, type, help, value of a replica.
type Metric = (
    &'static str,
    &'static str,
    &'static str,
    fn(&Replica) -> u64,
);

const READS: &str = "sports_edge_database_reads_total";

const METRICS: [Metric; 4] = [
    (
        "sports_edge_database_replica_in_rotation",
        "gauge",
        "Whether the replica is read from",
        |it| u64::from(it.is_in()),
    ),
    (
        "sports_edge_database_replica_position",
        "gauge",
        "Number of the last change that the replica has applied",
        |it| it.position.load(Relaxed),
    ),
    (
        "sports_edge_database_replica_unapplied_bytes",
        "gauge",
        "Log that the replica has received and not applied, in bytes",
        |it| it.unapplied_bytes.load(Relaxed),
    ),
    (
        "sports_edge_database_replica_failures_total",
        "counter",
        "Reads that the replica did not answer and the primary did",
        |it| it.failures.load(Relaxed),
    ),
];

const POSITION: &str = "sports_edge_database_position";

/// Everything about reads and replicas.
pub(super) fn text(rotation: &Rotation, newest: u64) -> String {
    let mut text = format!(
        "# HELP {READS} Reads of the database by server\n# TYPE {READS} counter\n\
         {READS}{{server=\"primary\"}} {}\n",
        rotation.primary_reads.load(Relaxed)
    );
    for (number, replica) in (1..).zip(&rotation.replicas) {
        let reads = replica.reads.load(Relaxed);
        let _ = writeln!(text, "{READS}{{server=\"replica-{number}\"}} {reads}");
    }
    let _ = writeln!(
        text,
        "# HELP {POSITION} Number of the last change this process knows of\n\
         # TYPE {POSITION} gauge\n{POSITION} {newest}"
    );
    for (name, kind, help, value) in METRICS {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (number, replica) in (1..).zip(&rotation.replicas) {
            let value = value(replica);
            let _ = writeln!(text, "{name}{{server=\"replica-{number}\"}} {value}");
        }
    }
    text
}
