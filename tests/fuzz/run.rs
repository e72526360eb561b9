//! Tries a property with the corpus, with changed inputs and with new ones.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::mutate::mutated;

/// What is promised of an input.
pub type Promise = fn(&[u8]) -> Result<(), TestCaseError>;

/// How many inputs one round tries where nothing else is asked for.
const CASES: u32 = 4_000;
/// The same inputs in every short run, so that none fails by chance; a long one makes up others each time.
const SEED: u64 = 1;

/// Tries every input of `corpus/NAME`, then made-up ones, of which `share` in a hundred cost too much to make more of.
pub fn fuzz(name: &str, share: u32, new: BoxedStrategy<Vec<u8>>, promise: Promise) {
    let corpus = corpus(name);
    for (file, input) in &corpus {
        let kept = catch_unwind(AssertUnwindSafe(|| promise(input)));
        assert!(matches!(kept, Ok(Ok(()))), "{}: {kept:?}", file.display());
    }
    let known: Vec<Vec<u8>> = corpus.into_iter().map(|(_, input)| input).collect();
    let any = prop_oneof![
        3 => new.clone(),
        4 => select(known).prop_flat_map(mutated),
        2 => new.prop_flat_map(mutated),
        1 => prop::collection::vec(any::<u8>(), 0..200),
    ];
    let seconds = number("FUZZ_SECONDS");
    let first = number("FUZZ_SEED").unwrap_or_else(|| if seconds.is_some() { rand::random() } else { SEED });
    let cases = (CASES * share).div_ceil(100);
    let (began, lasts) = (Instant::now(), Duration::from_secs(seconds.unwrap_or(0)));
    let mut rounds = 0;
    while rounds == 0 || began.elapsed() < lasts {
        round(name, first.wrapping_add(rounds), cases, &any, promise);
        rounds += 1;
    }
    println!(
        "{name}: {} inputs in {:.1} s from FUZZ_SEED={first}",
        rounds * u64::from(cases),
        began.elapsed().as_secs_f64()
    );
}

fn round(name: &str, seed: u64, cases: u32, inputs: &impl Strategy<Value = Vec<u8>>, promise: Promise) {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 10_000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    match runner.run(inputs, |input| promise(&input)) {
        Ok(()) => {}
        Err(TestError::Abort(why)) => panic!("{name}: {why}"),
        Err(TestError::Fail(why, input)) => {
            let saved = save(name, &input);
            panic!(
                "{name}: {why}\n{}\nsaved as {}; again: FUZZ_SEED={seed} cargo test --test fuzz {name}",
                String::from_utf8_lossy(&input),
                saved.display()
            );
        }
    }
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(name)
}

fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let files = fs::read_dir(folder(name)).expect("a corpus");
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    assert!(files.len() > 3, "corpus/{name} is too small to say anything");
    files.into_iter().map(|file| (file.clone(), fs::read(file).expect("an input"))).collect()
}

fn save(name: &str, input: &[u8]) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    input.hash(&mut hasher);
    let file = folder(name).join(format!("found-{:016x}", hasher.finish()));
    fs::write(&file, input).expect("the corpus can be written");
    file
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}
