//! A whole measurement: make the allocations, send, count, clean up.

use super::clients::{Asked, Clients};
use super::dialogue::Request;
use super::load::{Direction, Stage, TO_PARTNER, TO_PEER, Tally};
use super::peers::Peers;
use super::poller::Poller;
use super::process::Process;
use super::report::{Memory, Report, Run, SetUp};
use super::{Plan, Trouble};

/// Does what the plan says.
pub fn measure(plan: &Plan) -> Result<Report, Trouble> {
    let process = plan.pid.map(Process::find).transpose()?;
    let resident = || process.map(|process| process.resident()).transpose();
    let poller = Poller::new()?;
    let mut stage = Stage {
        peers: Peers::open(plan.peer_ip, plan.peer_port, plan.peers(), &poller)?,
        clients: Clients::open(plan, &poller)?,
        poller,
    };
    let before = resident()?;
    let set_up = match &plan.credential {
        Some(_) => Some(set_up(plan, &mut stage)?),
        None => None,
    };
    let idle = resident()?;
    let mut runs = Vec::new();
    for direction in &plan.directions {
        runs.push(run(plan, &mut stage, *direction, process)?);
    }
    let loaded = resident()?;
    if set_up.is_some() {
        release(&mut stage);
    }
    let memory = match (before, idle, loaded) {
        (Some(before), Some(idle), Some(loaded)) => Some(Memory {
            before,
            idle,
            loaded,
        }),
        _ => None,
    };
    Ok(Report {
        allocations: plan.allocations,
        set_up,
        memory,
        runs,
    })
}

impl Plan {
    /// A bare forwarder knows one peer; otherwise there may be one for each allocation.
    fn peers(&self) -> usize {
        match self.credential {
            Some(_) => self.allocations,
            None => 1,
        }
    }
}

/// Makes allocations and the channels that the directions need.
fn set_up(plan: &Plan, stage: &mut Stage) -> Result<SetUp, Trouble> {
    let Stage {
        poller,
        clients,
        peers,
    } = stage;
    let ipv6 = plan.peer_ip.is_ipv6();
    let allocated = clients.ask_all(poller, peers, |_, _| Request::Allocate { ipv6 })?;
    let mut channels = Vec::new();
    let to_partner = plan.directions.contains(&Direction::Relay);
    let to_peer =
        plan.directions.is_empty() || plan.directions.iter().any(|d| *d != Direction::Relay);
    if to_peer {
        channels.push(clients.ask_all(poller, peers, |_, client| Request::Bind {
            number: TO_PEER,
            peer: peers.address(client),
        })?);
    }
    if to_partner {
        channels.push(
            clients.ask_all(poller, peers, |clients, client| Request::Bind {
                number: TO_PARTNER,
                // Checked when it was granted: it is there.
                peer: clients.relayed(client ^ 1).unwrap_or(plan.server),
            })?,
        );
    }
    Ok(SetUp {
        per_second: plan.allocations as f64 / allocated.elapsed.as_secs_f64(),
        repeated: allocated.repeated
            + channels
                .iter()
                .map(|Asked { repeated, .. }| repeated)
                .sum::<u32>(),
    })
}

/// Sends in one direction and sees what it costs.
fn run(
    plan: &Plan,
    stage: &mut Stage,
    direction: Direction,
    process: Option<Process>,
) -> Result<Run, Trouble> {
    let mut readings = Vec::new();
    let tally = stage.run(direction, plan.amount, || {
        readings.extend(process.map(|process| process.cpu()).transpose()?);
        Ok(())
    })?;
    let Tally { sent, received, .. } = tally;
    if received == 0 {
        return Err(Trouble::NothingArrived {
            sent,
            direction,
            peer: plan.peer_ip,
        });
    }
    let cpu = match readings[..] {
        [begin, end] => Some(end.saturating_sub(begin)),
        _ => None,
    };
    Ok(Run::new(direction, plan.amount, &tally, cpu))
}

/// Gives the allocations back. A server that is busy or gone gets no second chance: they expire.
fn release(stage: &mut Stage) {
    let Stage {
        poller,
        clients,
        peers,
    } = stage;
    if let Err(trouble) = clients.ask_all(poller, peers, |_, _| Request::Release) {
        tracing::warn!("allocations are left behind: {trouble}");
    }
}
