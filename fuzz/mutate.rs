//! Corpus runner with seeded mutations: a small amount of fuzzing in every test run, without the fuzzing tools.
use std::{fs, panic, path::Path};

/// The number of mutations of each input.
const MUTATIONS_PER_INPUT: u64 = 1_500;

/// Byte strings that mutations insert: edge cases of numbers, texts and formats.
const INTERESTING: [&[u8]; 16] = [
    b"\0",
    b"\xff\xff\xff\xff",
    b"\x7f",
    b"\x1b[",
    b"\x1b]0;",
    b"\n",
    b"\"",
    b"\\u0000",
    b"{}",
    b"[[[[",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    "\u{202e}".as_bytes(),
    b"\xc3\x28",
    b"%00",
];

/// Calls `run` with every file of `fuzz/corpus/TARGET` and many mutations of each; prints an input that panics.
pub fn corpus(target: &str, run: fn(&[u8])) {
    let inputs = files(target);
    let mut rng = Rng(0x5eed);
    for input in &inputs {
        run_input(target, run, input);
        for _ in 0..MUTATIONS_PER_INPUT {
            let mut mutated = input.clone();
            for _ in 0..=rng.below(4) {
                rng.mutate(&mut mutated, &inputs);
            }
            run_input(target, run, &mutated);
        }
    }
}

/// Returns the files of `fuzz/corpus/TARGET`, sorted by name.
pub fn files(target: &str) -> Vec<Vec<u8>> {
    let mut corpora =
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|above| above.join("fuzz/corpus").join(target));
    let folder = corpora.find(|folder| folder.is_dir()).unwrap();
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

fn run_input(target: &str, run: fn(&[u8]), input: &[u8]) {
    if panic::catch_unwind(|| run(input)).is_err() {
        panic!("{target} panics on {:?}", input.escape_ascii().to_string());
    }
}

/// SplitMix64, a pseudorandom number generator.
struct Rng(u64);

impl Rng {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>, others: &[Vec<u8>]) {
        let at = self.below(bytes.len() + 1);
        let length = self.below(16).min(bytes.len() - at);
        match self.below(7) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..at + length)),
            2 => drop(bytes.splice(at..at, INTERESTING[self.below(INTERESTING.len())].iter().copied())),
            3 => {
                let repeated = bytes[at..at + length].repeat(1 + self.below(40));
                drop(bytes.splice(at..at, repeated));
            }
            4 => {
                let other = &others[self.below(others.len())];
                bytes.truncate(at);
                bytes.extend(&other[self.below(other.len() + 1)..]);
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << self.below(8);
                }
            }
        }
    }
}
