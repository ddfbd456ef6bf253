//! Architecture rules that can be checked in the source tree, as tests.

mod cycles;
mod files;
mod fuzz;
mod imports;
mod language;
mod migrations;
mod numbers;
mod paths;
