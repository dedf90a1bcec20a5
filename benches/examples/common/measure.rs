//! Time, processor time and memory of a daemon, by its process id, and its children; medians and their spread.
#![allow(dead_code, reason = "each bench uses a part of it")]

use std::fs;
use std::time::Instant;

/// Of several rounds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures(Vec<f64>);

impl Figures {
    pub(crate) fn add(&mut self, figure: f64) {
        self.0.push(figure);
        self.0.sort_by(f64::total_cmp);
    }

    pub(crate) fn median(&self) -> f64 {
        self.0[self.0.len() / 2]
    }

    /// Half of the distance between the least and the most, in per cent of the median.
    fn spread(&self) -> f64 {
        (self.0[self.0.len() - 1] - self.0[0]) / 2.0 / self.median() * 100.0
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let median = self.median();
        let digits = if median < 10.0 { 3 } else { 0 };
        f.pad(&format!("{median:.digits$} ±{:.0}%", self.spread()))
    }
}

/// Of both servers, and how many times the first is the second.
pub(crate) fn row(what: &str, [first, second]: &[Figures; 2]) {
    println!("{what:<34} {first:>14} {second:>14} {:>8.2}", first.median() / second.median());
}

pub(crate) fn seconds(work: impl FnOnce()) -> f64 {
    let since = Instant::now();
    work();
    since.elapsed().as_secs_f64()
}

/// Processor seconds of a daemon and its children, those that ended too.
pub(crate) fn cpu(daemon: u32) -> f64 {
    family(daemon).into_iter().map(alone).sum()
}

/// Processor seconds of a process, and of its children that ended.
pub(crate) fn alone(process: u32) -> f64 {
    let ticks: u64 = (11..=14).filter_map(|at| field(process, at)).sum();
    // Every Linux that Debian runs on counts hundredths.
    ticks as f64 / 100.0
}

/// Proportional resident memory, in KiB.
pub(crate) fn memory(daemon: u32) -> f64 {
    let of = |pid: &u32| {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok()).unwrap_or(0.0)
    };
    family(daemon).iter().map(of).sum()
}

fn family(root: u32) -> Vec<u32> {
    let mut family = vec![root];
    let all: Vec<u32> = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    let mut at = 0;
    while let Some(&parent) = family.get(at) {
        family.extend(all.iter().filter(|pid| field(**pid, 1) == Some(parent.into())));
        at += 1;
    }
    family
}

/// A number of `/proc/PID/stat`, counted from the state behind the name.
fn field(pid: u32, at: usize) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(at)?.parse().ok()
}
