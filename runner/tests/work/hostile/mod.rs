//! Fuzz tests of task output: the corpus of the fuzz target and thousands of mutations.
#[path = "../../../../fuzz/mutate.rs"]
mod mutate;
mod targets;

#[test]
fn any_output_becomes_lines() {
    mutate::corpus("output", targets::output);
}
