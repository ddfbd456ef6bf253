//! Code generation for the runner protocol from its `.proto` file.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = "proto/castellan/runner/v1/runner.proto";
    println!("cargo:rerun-if-changed={file}");
    let descriptors = protox::compile([file], ["proto"])?;
    tonic_prost_build::configure().build_transport(false).bytes(".").compile_fds(descriptors)?;
    Ok(())
}
