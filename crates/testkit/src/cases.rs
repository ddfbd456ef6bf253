//! Test cases that run on both databases.
use crate::Engine;

/// A deployment that the cases of a suite run against.
pub trait Fixture: Sized {
    /// Creates a deployment on a new database.
    fn create(engine: Engine) -> impl Future<Output = Self>;

    /// Closes the deployment after a case that passed.
    fn close(self) -> impl Future<Output = ()>;
}

/// Generates two tests per case, `name::sqlite` and `name::postgres`, each with a [`Fixture`] of its own.
///
/// The first argument is a reference to the fixture, as the cases receive it. A suite binds it once:
///
/// ```text
/// macro_rules! on_both {
///     ($($cases:tt)*) => { testkit::on_both! { &crate::world::World; $($cases)* } };
/// }
///
/// on_both! {
///     async fn a_task_is_submitted(world) { … }
/// }
/// ```
#[macro_export]
macro_rules! on_both {
    (&mut $fixture:path; $($cases:tt)*) => { $crate::on_both! { @cases $fixture, &mut $fixture; $($cases)* } };
    (&$fixture:path; $($cases:tt)*) => { $crate::on_both! { @cases $fixture, &$fixture; $($cases)* } };
    (
        @cases $fixture:path, $reference:ty;
        $($(#[$meta:meta])* async fn $name:ident($argument:ident) $body:block)*
    ) => {$(
        $(#[$meta])*
        mod $name {
            #[expect(clippy::allow_attributes, reason = "whether the import is used depends on the case")]
            #[allow(unused_imports, reason = "some cases need nothing from their module")]
            use super::*;

            async fn case($argument: $reference) $body

            async fn run_case(engine: $crate::Engine) {
                let mut fixture = <$fixture as $crate::Fixture>::create(engine).await;
                case(&mut fixture).await;
                $crate::Fixture::close(fixture).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                run_case($crate::Engine::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                run_case($crate::Engine::Postgres).await;
            }
        }
    )*};
}
