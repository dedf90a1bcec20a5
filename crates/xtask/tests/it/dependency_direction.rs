//! Dependencies point one way. The tables here are the house's plan: an edge that is missing from them is a question
//! to the design, not a line to add.

use cargo_metadata::{Dependency, DependencyKind, MetadataCommand, Package};

/// Each crate of ours with those of ours that it may build on.
const INTERNAL: &[(&str, &[&str])] = &[
    // bytes and answers
    ("mail-wire", &[]),
    ("auth-sasl", &[]),
    ("smtp-proto", &["auth-sasl", "mail-wire"]),
    ("pop3-proto", &["auth-sasl", "mail-wire"]),
    ("relay-policy", &[]),
    // files
    ("mailstore", &[]),
    ("mail-queue", &["mailstore"]),
    // everyday work over tokio
    ("accounts", &["auth-sasl"]),
    ("daemon-kit", &[]),
    ("delivery", &["auth-sasl", "mail-queue", "mail-wire", "mailstore", "smtp-proto"]),
    // programs
    (
        "smtpd",
        &[
            "accounts",
            "auth-sasl",
            "daemon-kit",
            "delivery",
            "mail-wire",
            "mailstore",
            "relay-policy",
            "smtp-proto",
        ],
    ),
    ("pop3d", &["accounts", "auth-sasl", "daemon-kit", "mail-wire", "mailstore", "pop3-proto"]),
    (
        "yubin",
        &[
            "accounts",
            "auth-sasl",
            "daemon-kit",
            "delivery",
            "mail-queue",
            "mailstore",
            "pop3d",
            "relay-policy",
            "smtpd",
        ],
    ),
    // tools
    ("transcript", &[]),
    ("xtask", &[]),
    ("benches", &[]),
];

/// Crates of others that belong to one part of the house, and where that part is.
const EXTERNAL: &[(&str, &[&str])] = &[
    ("nom", &["pop3-proto", "smtp-proto"]),
    ("sqlx", &["accounts"]),
    ("hickory-resolver", &["delivery"]),
    ("rustls", &["daemon-kit", "delivery", "pop3d", "smtpd", "yubin"]),
    ("tokio", &["accounts", "daemon-kit", "delivery", "pop3d", "smtpd", "yubin"]),
    ("tokio-rustls", &["daemon-kit", "delivery", "pop3d", "smtpd", "yubin"]),
    ("tokio-util", &["daemon-kit", "delivery", "pop3d", "smtpd", "yubin"]),
];

/// What tests and benches of these crates use is theirs to choose.
const TOOLS: &[&str] = &["benches", "transcript", "xtask"];

/// The crates that need no operating system, and what they may stand on: crates that can do without one too.
const PURE: &[&str] = &["mail-wire", "auth-sasl", "smtp-proto", "pop3-proto"];
const PURE_EXTERNAL: &[&str] = &["base64", "md-5", "memchr", "nom", "subtle", "thiserror", "zeroize"];

fn members() -> Vec<Package> {
    let metadata = MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"))
        .no_deps()
        .other_options(["--locked".to_owned()])
        .exec()
        .unwrap();
    metadata.packages
}

/// What a crate is built from; what only its tests use is left out.
fn built_from(package: &Package) -> impl Iterator<Item = &Dependency> {
    package.dependencies.iter().filter(|dependency| dependency.kind != DependencyKind::Development)
}

fn allowed<'t>(table: &[(&str, &'t [&'t str])], name: &str) -> Option<&'t [&'t str]> {
    table.iter().find(|(row, _)| *row == name).map(|(_, names)| *names)
}

fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_edge_between_our_crates_is_in_the_plan() {
    let members = members();
    let ours: Vec<&str> = members.iter().map(|package| package.name.as_str()).collect();
    let mut faults = Vec::new();
    for package in &members {
        let Some(plan) = allowed(INTERNAL, &package.name) else {
            faults.push(format!("{} is not in the plan", package.name));
            continue;
        };
        for dependency in built_from(package) {
            let name = dependency.name.as_str();
            if ours.contains(&name) && !plan.contains(&name) {
                faults.push(format!("{} must not build on {name}", package.name));
            }
        }
    }
    assert_none(&faults);
}

#[test]
fn the_plan_itself_has_no_circle() {
    // Each row may point upwards only, but for the tools, which nothing points to.
    for (index, (name, plan)) in INTERNAL.iter().enumerate() {
        for other in *plan {
            let above = INTERNAL[..index].iter().any(|(row, _)| row == other);
            assert!(above, "{name} points to {other}, which does not stand above it");
        }
    }
}

#[test]
fn a_crate_with_one_place_is_named_nowhere_else() {
    let mut faults = Vec::new();
    for package in &members() {
        for dependency in &package.dependencies {
            let Some(places) = allowed(EXTERNAL, &dependency.name) else { continue };
            let in_its_place = places.contains(&package.name.as_str());
            let a_tools_test =
                dependency.kind == DependencyKind::Development && TOOLS.contains(&package.name.as_str());
            if !in_its_place && !a_tools_test {
                faults.push(format!("{} must not name {}", package.name, dependency.name));
            }
        }
    }
    assert_none(&faults);
}

#[test]
fn the_pure_crates_stand_on_nothing_that_needs_a_system() {
    let mut faults = Vec::new();
    for package in members().iter().filter(|package| PURE.contains(&package.name.as_str())) {
        for dependency in built_from(package) {
            let name = dependency.name.as_str();
            let edge = format!("{} on {name}", package.name);
            if PURE.contains(&name) {
                continue;
            }
            if !PURE_EXTERNAL.contains(&name) {
                faults.push(format!("{edge}: not known to work without a system"));
            }
            if dependency.uses_default_features || dependency.features.iter().any(|feature| feature == "std")
            {
                faults.push(format!("{edge}: with its standard-library features"));
            }
        }
    }
    assert_none(&faults);
}

#[test]
fn test_helpers_are_built_into_nothing() {
    for package in &members() {
        for dependency in built_from(package) {
            assert!(!TOOLS.contains(&dependency.name.as_str()), "{} on {}", package.name, dependency.name);
        }
    }
}
