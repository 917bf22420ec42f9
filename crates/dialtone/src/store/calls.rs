//! Calls that go on.

use std::collections::HashMap;

use protocol::id::CallId;

use super::{Error, Row, Store, args};

impl Store {
    /// When each call that is not over was opened.
    pub async fn calls_opened(&self) -> Result<HashMap<CallId, u64>, Error> {
        let sql = "SELECT id, opened_ms FROM calls WHERE ended_ms IS NULL";
        let opened = |row: Row| Ok((row.get("id")?, row.get("opened_ms")?));
        let rows = self.rows(sql, args![]).await?;
        rows.into_iter().map(opened).collect()
    }
}
