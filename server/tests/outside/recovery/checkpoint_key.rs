//! Rotation of the checkpoint key with the real programs.
use crate::timeouts::DEFAULT_TIMEOUT;
use testkit::MIA;

crate::program::on_both! {
    /// X5: the log was signed by a key that a runner enrolled afterwards does not know, and has not grown since.
    async fn x5_a_runner_enrolled_after_a_rotation_of_the_checkpoint_key_works(program) {
        program.tenant("acme");
        let mia = program.person(MIA, "acme");
        program.configure("[local_runner]\nenabled = false\n");
        program.start().await;
        program.stop(DEFAULT_TIMEOUT).await; // signs the log
        program.cli(&["admin", "rotate-checkpoint-key"], "");
        program.configure("");
        program.start().await;
        let task = program.submit(&mia.key, "echo works").await;
        program.until_succeeded(&mia.key, &task).await;
    }
}
