use super::*;

/// As in a pod of this namespace.
const IN_A_POD: &str = "--lease-namespace=operators";

fn parse(flags: &[&str]) -> Result<Config, clap::Error> {
    let args = ["sender-operator", "run", IN_A_POD].iter().chain(flags).map(OsString::from);
    match parse_from(args)? {
        Command::Run(config) => Ok(*config),
        other => panic!("{other:?}"),
    }
}

fn accepted(flags: &[&str]) -> Config {
    parse(flags).unwrap_or_else(|error| panic!("{flags:?}: {error}"))
}

fn refused(flags: &[&str]) -> String {
    parse(flags).expect_err("refused").to_string()
}

#[test]
fn without_flags_it_watches_everything_and_trusts_the_two_providers() {
    let config = accepted(&[]);
    assert_eq!(config.watch_namespaces, Vec::<String>::new());
    assert_eq!(config.hosts, HostPolicy::default());
    assert_eq!(config.concurrency, 64);
    assert_eq!(config.observe_interval, Duration::from_hours(1));
    assert_eq!(config.rules, Rules { outcome_window: Duration::from_mins(15), max_backoff: Duration::from_mins(15) });
    assert!(config.secret_hold);
    // Another name would let replicas of two versions act at once during an upgrade.
    let lease = LeaseRef { namespace: "operators".to_owned(), name: "sender-operator".to_owned() };
    assert_eq!(config.leader_election, Some(lease));
    assert!(config.ignored_finalizers.is_empty() && config.require_confirmation.is_empty());
    assert_eq!(config.deletion_budget, None);
    assert_eq!(config.listen.to_string(), "0.0.0.0:8080");
    assert_eq!(config.log, Settings { format: Format::Json, levels: "info".parse().unwrap() });
}

#[test]
fn every_flag_of_run_has_its_twin_in_the_environment() {
    let command = Arguments::command();
    let run = command.find_subcommand("run").unwrap();
    let mut flags = 0;
    for flag in run.get_arguments().filter(|flag| flag.get_id() != "help") {
        let long = flag.get_long().unwrap();
        let twin = format!("SENDER_OPERATOR_{}", long.to_uppercase().replace('-', "_"));
        assert_eq!(flag.get_env().and_then(|env| env.to_str()), Some(twin.as_str()), "--{long}");
        assert!(flag.get_help().is_some(), "--{long}");
        flags += 1;
    }
    assert_eq!(flags, 17);
}

#[test]
fn what_can_be_repeated_can_be_separated_by_commas_too() {
    let config =
        accepted(&["--watch-namespace", "sales,hr", "--watch-namespace=hr", "--require-confirmation=Email,Purge"]);
    assert_eq!(config.watch_namespaces, ["hr", "sales"]);
    assert_eq!(config.require_confirmation, BTreeSet::from([TargetKind::Email, TargetKind::Purge]));
    let config = accepted(&["--ignore-finalizer", "a.example/x", "--ignore-finalizer=b.example/y,keep"]);
    assert_eq!(config.ignored_finalizers, ["a.example/x", "b.example/y", "keep"]);
}

#[test]
fn allowed_hosts_replace_the_default() {
    let config = accepted(&["--allowed-host", "API.example.com"]);
    assert_eq!(config.hosts, HostPolicy::new(["api.example.com"], false).unwrap());
}

#[test]
fn the_loopback_flag_needs_no_value_and_takes_one() {
    let open = HostPolicy::new(DEFAULT_HOSTS, true).unwrap();
    assert_eq!(accepted(&["--allow-insecure-loopback"]).hosts, open);
    assert_eq!(accepted(&["--allow-insecure-loopback=true", "--concurrency=1"]).hosts, open);
    assert_eq!(accepted(&["--allow-insecure-loopback=false"]).hosts, HostPolicy::default());
}

#[test]
fn a_switch_is_written_with_or_without_an_equals_sign() {
    assert!(!accepted(&["--secret-hold=false"]).secret_hold);
    assert!(!accepted(&["--secret-hold", "false"]).secret_hold);
    assert_eq!(accepted(&["--leader-election", "false"]).leader_election, None);
    assert!(accepted(&["--leader-election=true"]).leader_election.is_some());
}

#[test]
fn the_lease_is_in_the_pods_own_namespace_and_outside_a_pod_where_it_is_said_to_be() {
    let mount = tempfile::NamedTempFile::new().unwrap();
    for (content, found) in [("operators\n", Some("operators")), ("", None), ("../etc", None)] {
        std::fs::write(mount.path(), content).unwrap();
        assert_eq!(own_namespace(mount.path()).as_deref(), found, "{content:?}");
    }
    assert_eq!(own_namespace(Path::new("/nowhere/namespace")), None);
    for namespace in ["", "Operators", "-"] {
        assert!(lease_namespace(namespace).is_err(), "{namespace:?}");
    }
    let refused = lease(None, "sender-operator".to_owned()).expect_err("refused").to_string();
    assert!(refused.contains("'--lease-namespace'") && refused.contains("--leader-election=false"), "{refused}");
    let named = accepted(&["--lease-name=sender-operator.sales"]).leader_election.unwrap();
    assert_eq!(named.to_string(), "operators/sender-operator.sales");
}

#[test]
fn the_outcome_window_may_be_short_only_where_no_real_account_is_at_risk() {
    let message = refused(&["--outcome-window=299s"]);
    assert!(message.contains("--outcome-window") && message.contains("299s") && message.contains("5m"), "{message}");
    assert_eq!(accepted(&["--outcome-window=5m"]).rules.outcome_window, Duration::from_mins(5));
    let short = accepted(&["--outcome-window=2s", "--allow-insecure-loopback"]);
    assert_eq!(short.rules.outcome_window, Duration::from_secs(2));
}

#[test]
fn durations_are_written_as_people_write_them() {
    for (text, seconds) in [("90s", 90), ("15m", 900), ("1h", 3600), ("1h30m", 5400), ("PT2M", 120), ("1500ms", 1)] {
        assert_eq!(accepted(&["--observe-interval", text]).observe_interval.as_secs(), seconds, "{text}");
    }
}

#[test]
fn a_bad_value_is_refused_with_the_flag_the_value_and_what_is_allowed() {
    for (flag, value, allowed) in [
        ("--concurrency", "0", "1..=1024"),
        ("--concurrency", "1025", "1..=1024"),
        ("--concurrency", "many", "invalid digit"),
        ("--observe-interval", "60", "1s to 12h"),
        ("--observe-interval", "13h", "1s to 12h"),
        ("--max-backoff", "16m", "1s to 15m"),
        ("--max-backoff", "-5s", "1s to 15m"),
        ("--max-backoff", "soon", "90s, 15m or 1h"),
        ("--outcome-window", "25h", "1s to 24h"),
        ("--watch-namespace", "Sales", "lower case"),
        ("--watch-namespace", "a,,b", "leave the flag out"),
        ("--allowed-host", "https://api.postpress.ai", "a DNS name like api.postpress.ai"),
        ("--allowed-host", "127.0.0.1", "a DNS name like api.postpress.ai"),
        ("--require-confirmation", "Delete", "PostPress, Email, Disconnect, Purge"),
        ("--deletion-budget", "-1", "0..=100000"),
        ("--ignore-finalizer", "sender-operator.dev/teardown", "own finalizer"),
        ("--ignore-finalizer", "two words", "example.com/backup"),
        ("--secret-hold", "maybe", "true, false"),
        ("--leader-election", "maybe", "true, false"),
        ("--lease-name", "Sender_Operator", "lower case"),
        ("--lease-name", "a..b", "at most 253"),
        ("--listen", "8080", "ADDRESS:PORT"),
        ("--log-format", "xml", "json, text"),
        ("--log-level", "loud", "error, warn, info, debug, trace"),
    ] {
        let message = refused(&[&format!("{flag}={value}")]);
        let named = value.split(',').any(|part| message.contains(&format!("'{part}'")));
        assert!(message.contains(flag) && named && message.contains(allowed), "{flag}={value}: {message}");
    }
}

#[test]
fn an_empty_value_never_widens_what_is_watched_or_trusted() {
    for flag in ["--watch-namespace=", "--allowed-host=", "--ignore-finalizer=", "--require-confirmation="] {
        assert!(parse(&[flag]).is_err(), "{flag}");
    }
}

#[test]
fn a_command_is_needed_and_crd_and_version_take_no_flags() {
    let run = |args: &[&str]| parse_from(args.iter().map(OsString::from));
    assert_eq!(run(&["sender-operator", "crd"]).ok(), Some(Command::Crd));
    assert_eq!(run(&["sender-operator", "version"]).ok(), Some(Command::Version));
    assert!(run(&["sender-operator"]).is_err());
    assert!(run(&["sender-operator", "crd", "--concurrency=1"]).is_err());
    assert!(run(&["sender-operator", "fly"]).is_err());
}
