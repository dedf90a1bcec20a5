//! What goes wrong, with which exit code and which words.

use crate::world::World;

#[test]
fn a_refusal_ends_with_1_and_the_next_step() {
    let world = World::new();
    world.ok("account add ab4t-ash --address taro@mx.example.jp");
    for (words, part) in [
        ("account add ab4t-ash", "yubin account show ab4t-ash"),
        ("account add hanako12 --address hanako@example.com", "yubin domain add example.com"),
        ("account add hanako12 --address taro@mx.example.jp", "belongs to ab4t-ash"),
        ("account add ha/na", "letters, digits"),
        ("account show taro@mx.example.jp", "its account is ab4t-ash"),
        ("account show nobody", "yubin account list"),
        ("audit nobody", "nobody has the login nobody, and nobody had it"),
        ("account passwd nobody", "yubin account list"),
        ("account remove nobody", "yubin account list"),
        ("account add hanako12 --password-stdin", "no password came on stdin"),
        ("address add taro@mx.example.jp ab4t-ash", "belongs to ab4t-ash"),
        ("address remove ab4t-ash@mx.example.jp", "stays as long as the account"),
        ("address list no@login", "not a login"),
        ("queue adopt nowhere", "is not a queue directory"),
        ("domain add mx.example.jp", "yubin domain list"),
        ("domain add mx..jp", "not a domain name"),
    ] {
        let text = world.complaint(1, words);
        assert!(text.starts_with("yubin: ") && text.contains(part), "{words}: {text}");
        assert!(!text.contains("panicked"), "{text}");
    }
}

#[test]
fn c_06_a_password_that_is_guessed_first_is_refused_and_taken_by_force() {
    let world = World::new();
    for (password, part) in [
        ("short\n", "fewer than 8"),
        ("password\n", "tried first"),
        ("12345678\n", "a row"),
        ("xab4t-ashx\n", "the login"),
    ] {
        let done = world.run_with("account add ab4t-ash --password-stdin", password);
        assert!(done.code == 1 && done.err.contains(part) && done.err.contains("--force"), "{done:?}");
    }
    assert_eq!(world.run_with("account add ab4t-ash --password-stdin --force", "short\n").code, 0);
    assert_eq!(world.run_with("account passwd ab4t-ash --password-stdin", "password\n").code, 1);
    assert_eq!(world.run_with("account passwd ab4t-ash --password-stdin --force", "password\n").code, 0);
    assert_eq!(world.run_with("account passwd ab4t-ash --password-stdin", "long enough\n").code, 0);
    let config = std::fs::read_to_string(world.path("yubin.toml")).unwrap();
    let free = config.replace("[accounts]\n", "[accounts]\npassword_min_length = \"none\"\n");
    std::fs::write(world.path("yubin.toml"), free).unwrap();
    assert_eq!(world.run_with("account passwd ab4t-ash --password-stdin", "short\n").code, 0);
}

#[test]
fn what_needs_repair_ends_with_78_whatever_looks_at_it() {
    let world = World::new();
    std::fs::copy(world.path("apop.key"), world.path("kept.key")).unwrap();
    std::fs::write(world.path("apop.key"), [0xff; 40]).unwrap();
    assert!(world.complaint(78, "check").contains("does not hold a key"));
    std::fs::remove_file(world.path("apop.key")).unwrap();
    assert!(world.complaint(78, "check").contains("apop.key is missing"));
    std::fs::rename(world.path("kept.key"), world.path("apop.key")).unwrap();
    std::fs::write(world.path("queue"), "").unwrap();
    assert!(world.complaint(78, "check").contains("the queue at"));
    std::fs::remove_file(world.path("queue")).unwrap();
    world.ok("check");
    assert!(!world.path("queue").exists() && !world.path("mail").exists(), "nothing is touched");
    std::fs::write(world.path("accounts.sqlite"), "no database ".repeat(1000)).unwrap();
    assert!(world.complaint(78, "check").contains("is damaged, or is none"));
}

#[test]
fn names_of_plans_and_brands_are_called_so() {
    let world = World::new();
    for (words, part) in [("plan add a/b", "not a name of a plan"), ("brand add -", "not a name of a brand")]
    {
        let text = world.complaint(1, words);
        assert!(text.contains(part) && !text.contains("a login"), "{words}: {text}");
    }
}

#[test]
fn wrong_usage_ends_with_2() {
    let world = World::bare();
    for words in [
        "account",
        "account ad",
        "account add",
        "account add a --nonsense",
        "account passwd a --apop --no-apop",
        "address add only@one",
        "nonsense",
        "",
    ] {
        assert_eq!(world.run(words).code, 2, "{words}");
    }
}

#[test]
fn a_fault_of_the_configuration_ends_with_78_and_its_place() {
    let world = World::bare();
    let config = world.path("yubin.toml");
    let faulty = crate::world::CONFIG.replace("maildirs", "mialdirs");
    std::fs::write(&config, faulty).unwrap();
    for words in ["check", "account list", "address list", "domain list"] {
        let text = world.complaint(78, words);
        assert!(text.contains("yubin.toml:5:1") && text.contains("mialdirs"), "{words}: {text}");
    }
    std::fs::remove_file(&config).unwrap();
    assert!(world.complaint(78, "check").contains("cannot be read"));
}

#[test]
fn a_missing_database_ends_with_78_and_the_command_that_makes_it() {
    let world = World::bare();
    for words in ["check", "account list", "account add ab4t-ash", "address list", "domain add mx.example.jp"]
    {
        let text = world.complaint(78, words);
        assert!(text.contains("accounts.sqlite") && text.contains("yubin check --create"), "{words}: {text}");
    }
    assert!(!world.path("accounts.sqlite").exists(), "only --create makes it");
    let named = format!("yubin --config {} check --create", world.path("yubin.toml").display());
    assert!(world.run("account list").err.contains(&named), "of this configuration");
    world.ok("check --create");
    std::fs::remove_file(world.path("apop.key")).unwrap();
    assert!(world.complaint(78, "account list").contains("is missing"));
}

#[test]
fn without_a_configuration_the_first_steps_are_named() {
    let world = World::bare();
    let done = world.run_plain("account list");
    assert_eq!(done.code, 78, "{done:?}");
    assert!(done.err.contains("--config FILE") && done.err.contains("yubin quickstart"), "{done:?}");
}

#[test]
fn a_configuration_that_somebody_else_left_here_is_not_taken_unasked() {
    let world = World::bare();
    std::fs::create_dir(world.path("yubin-data")).unwrap();
    let file = world.path("yubin-data/yubin.toml");
    std::fs::rename(world.path("yubin.toml"), &file).unwrap();
    // Only root can give a file away, and root is who must not be led by it.
    if std::os::unix::fs::chown(&file, Some(65_534), None).is_err() {
        return;
    }
    let refused = world.run_plain("check --create");
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused.err.contains("belongs to somebody else") && refused.err.contains("--config yubin-data"),
        "{refused:?}"
    );
    assert!(!world.path("yubin-data/accounts.sqlite").exists());
}

#[test]
fn the_quickstarts_configuration_is_found() {
    let world = World::bare();
    std::fs::create_dir(world.path("yubin-data")).unwrap();
    std::fs::rename(world.path("yubin.toml"), world.path("yubin-data/yubin.toml")).unwrap();
    let done = world.run_plain("check --create");
    assert_eq!(done.code, 0, "{done:?}");
    assert!(world.path("yubin-data/accounts.sqlite").exists());
}

#[test]
fn help_teaches_with_examples() {
    let world = World::bare();
    for (words, part) in [
        ("--help", "yubin account add ab4t-ash"),
        ("account add --help", "--password-stdin"),
        ("account passwd --help", "Examples:"),
        ("address add --help", "yubin address add taro@mx.example.jp ab4t-ash"),
        ("domain add --help", "yubin domain add mx.example.jp"),
        ("check --help", "Examples:"),
        ("quickstart --help", "--port-offset"),
    ] {
        let done = world.run_plain(words);
        assert_eq!(done.code, 0, "{words}");
        assert!(done.out.contains(part), "{words}: {}", done.out);
    }
}

#[test]
fn a_dry_run_says_what_would_be_done_and_does_nothing() {
    let world = World::bare();
    let steps = world.json("check --create --dry-run");
    assert_eq!((&steps["found"], &steps["snapshot"]), (&0.into(), &false.into()));
    assert!(!world.path("accounts.sqlite").exists() && !world.path("apop.key").exists());
    world.ok("check --create");
    assert_eq!(world.json("check --create --dry-run")["steps"], serde_json::json!([]));
    world.complaint(2, "check --dry-run");
}

#[test]
fn shells_and_man_know_every_command() {
    let world = World::bare();
    for shell in ["bash", "zsh", "fish"] {
        let done = world.run_plain(&format!("completions {shell}"));
        assert_eq!(done.code, 0, "{}", done.err);
        assert!(done.out.contains("password-stdin") && done.out.contains("equivalent"), "{shell}");
    }
    let done = world.run_plain("man pages --json");
    assert_eq!(done.code, 0, "{}", done.err);
    let page = std::fs::read_to_string(world.path("pages/yubin-account-add.1")).unwrap();
    assert!(page.contains("password") && page.contains("yubin account add ab4t"), "{page}");
    let settings = std::fs::read_to_string(world.path("pages/yubin.toml.5")).unwrap();
    assert!(settings.starts_with(".TH yubin.toml 5") && settings.contains("queue_lifetime"), "{settings}");
    assert_eq!(world.run_plain("man man/man1").code, 0);
    assert!(world.path("man/man5/yubin.toml.5").exists() && world.path("man/man1/yubin.1").exists());
    assert!(world.path("pages/yubin.1").exists() && world.path("pages/yubin-import-accounts.1").exists());
}

#[test]
fn a_lost_key_of_apop_is_told_with_the_way_out_which_leads_there() {
    let world = World::new();
    world.ok("account add ab4t-ash");
    world.ok("account passwd ab4t-ash --apop");
    std::fs::remove_file(world.path("apop.key")).unwrap();
    for words in ["check --create", "account list", "account passwd ab4t-ash --no-apop"] {
        let text = world.complaint(78, words);
        assert!(
            text.contains("passwords of 1 account(s)") && text.contains("put it back"),
            "{words}: {text}"
        );
        assert!(text.contains("--no-apop") && text.contains("take apop_key"), "{words}: {text}");
        assert!(!world.path("apop.key").exists(), "{words}: none is made behind the operator's back");
    }

    let configuration = std::fs::read_to_string(world.path("yubin.toml")).unwrap();
    let without = configuration.replace("apop_key = \"apop.key\"\n", "");
    assert_ne!(without, configuration);
    std::fs::write(world.path("yubin.toml"), without).unwrap();
    assert_eq!(world.json("account list")[0]["apop"], true, "which accounts these are");
    assert_eq!(world.json("account passwd ab4t-ash --no-apop")["apop"], false);
    std::fs::write(world.path("yubin.toml"), configuration).unwrap();
    world.ok("check --create");
    assert_eq!(world.json("account passwd ab4t-ash --apop")["apop"], true);
}
