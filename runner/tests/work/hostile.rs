//! Hostile output of tasks: the corpus of the fuzz target, and thousands of changes of it.
#[path = "../../../fuzz/mutate.rs"]
mod mutate;
mod targets;

#[test]
fn whatever_is_printed_becomes_lines() {
    mutate::corpus("output", targets::output);
}
