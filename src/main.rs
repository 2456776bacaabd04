//! The `railstage` program.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    railstage::cli::main().await
}
