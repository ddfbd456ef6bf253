//! The rules of ARCHITECTURE.md that can be read from the tree, as tests.

mod fuzz;
mod heads;
mod imports;
mod migrations;
mod numbers;
mod paths;
