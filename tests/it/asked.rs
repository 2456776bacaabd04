//! What `tests/run` asks of the tests, by variables, and what they tell it.

use std::io::Write as _;

use rand::SeedableRng as _;
use rand::rngs::StdRng;

/// Whether all is to be tried that can be, however long it takes: `RAILSTAGE_TEST_ALL` is set.
pub(crate) fn all() -> bool {
    std::env::var_os("RAILSTAGE_TEST_ALL").is_some_and(|value| !value.is_empty())
}

/// Chances that are the same in each run with the same `RAILSTAGE_TEST_SEED`; a test that fails has printed its seed.
pub(crate) fn chances() -> StdRng {
    let given = std::env::var("RAILSTAGE_TEST_SEED").ok().filter(|seed| !seed.is_empty());
    let seed = given.map_or_else(rand::random, |seed| seed.parse().expect("RAILSTAGE_TEST_SEED is a number"));
    println!("RAILSTAGE_TEST_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

/// Tells that this machine does not allow a test, which then returns. To libtest it has passed: it knows nothing else at
/// run time. So its name and the reason go into the file `RAILSTAGE_TEST_SKIPPED`, a line each, and `tests/run` tells
/// them and counts them as skipped. Without such a file nobody would hear of it, and the test fails instead.
pub(crate) fn skip<T: Fn()>(_test: T, reason: &str) {
    let test = std::any::type_name::<T>();
    let Some(path) = std::env::var_os("RAILSTAGE_TEST_SKIPPED").filter(|path| !path.is_empty()) else {
        panic!("{test} cannot be done here, and RAILSTAGE_TEST_SKIPPED names no file to say so in: {reason}");
    };
    let mut file = std::fs::File::options().append(true).create(true).open(path).unwrap();
    file.write_all(format!("{test}: {}\n", reason.replace('\n', " ")).as_bytes()).unwrap();
}
