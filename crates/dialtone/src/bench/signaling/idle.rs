//! Clients that are connected and do nothing.

use std::fs;
use std::time::{Duration, Instant};

use super::crowd::Crowd;
use super::report::{Idle, Report};
use super::{Event, LOOK, Plan, Trouble, open_all};
use crate::bench::process::Process;

/// Weighs a server before, while, and after it has all clients; in between they are held for so long.
pub fn idle(plan: &Plan, span: Duration) -> Result<Report, Trouble> {
    let process = Process::find(plan.pid.unwrap_or(0))?;
    let mut crowd = Crowd::new(plan, plan.clients)?;
    let before = process.resident()?;
    let kernel = kernel_memory();
    let begun = Instant::now();
    open_all(&mut crowd)?;
    let opened_in = begun.elapsed();
    // What was on its way is acknowledged.
    hold(&mut crowd, Duration::from_secs(2))?;
    let with_all = process.resident()?;
    let kernel_with_all = kernel_memory();
    let (cpu, begun) = (process.cpu()?, Instant::now());
    hold(&mut crowd, span)?;
    let used = process.cpu()?.saturating_sub(cpu).as_secs_f64() / begun.elapsed().as_secs_f64();
    drop(crowd);
    std::thread::sleep(Duration::from_secs(1));
    Ok(Report::Idle(Idle {
        clients: plan.clients,
        opened_in,
        before,
        with_all,
        after: process.resident()?,
        // Both ends of every connection are on this machine.
        kernel: kernel
            .zip(kernel_with_all)
            .map(|(a, b)| b.saturating_sub(a) / 2),
        cpu: used,
    }))
}

fn hold(crowd: &mut Crowd, span: Duration) -> Result<(), Trouble> {
    let begun = Instant::now();
    while begun.elapsed() < span {
        crowd.poll(LOOK)?;
        while let Some((_, event)) = crowd.next_event() {
            if let Event::Lost(why) = event {
                return Err(Trouble::Ended(why));
            }
        }
    }
    Ok(())
}

/// Bytes the kernel takes for its own objects, sockets among them.
fn kernel_memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Slab:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}
