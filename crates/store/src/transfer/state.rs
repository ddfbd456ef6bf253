//! State of a move to PostgreSQL, which keeps both databases from being served at the same time, or before the copy is complete.
use crate::{
    Error, Result,
    db::{column::row_type, conn::unscoped_query},
    system::System,
};

/// What a move has left in a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// On SQLite: its data are in PostgreSQL.
    Moved,
    /// On PostgreSQL: the copy is incomplete.
    Unfinished,
}

row_type! {
    /// A row of the table `transfer`.
    pub struct StateRow {
        pub state: String,
    }
}

impl System<'_> {
    /// Fails if the data of this database were moved away, or are not complete.
    pub(crate) async fn assert_serves(&self) -> Result<()> {
        let text = match self.transfer_state().await? {
            None => return Ok(()),
            Some(State::Moved) => {
                "the data of this SQLite database were moved to PostgreSQL. Set CASTELLAN_DATABASE_URL to the address of that database. \
                 To use SQLite again instead, without what PostgreSQL has recorded since, run: castellan migrate --return"
            }
            Some(State::Unfinished) => {
                "the move from SQLite to this database was interrupted, so that data are missing. Run the same command \
                 `castellan migrate --from … --to …` again, which copies the rest"
            }
        };
        Err(Error::Unusable(text.into()))
    }

    pub(super) async fn transfer_state(&self) -> Result<Option<State>> {
        let mut conn = self.read().await?;
        let sql = "select state from transfer where id = 1";
        let row = unscoped_query!(conn, StateRow, fetch_optional, sql)?;
        Ok(row.map(|row| if row.state == "moved" { State::Moved } else { State::Unfinished }))
    }

    pub(super) async fn set_transfer_state(&self, state: Option<State>) -> Result<()> {
        let mut conn = self.write().await?;
        unscoped_query!(conn, execute, "delete from transfer where id = 1")?;
        if let Some(state) = state {
            let text = if state == State::Moved { "moved" } else { "unfinished" };
            unscoped_query!(conn, execute, "insert into transfer (id, state) values (1, $1)", text.to_owned())?;
        }
        conn.commit().await
    }
}
