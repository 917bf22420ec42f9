//! Settings that an administrator makes, and what is drawn or fixed at the first run.

use super::{Error, Store, args};

impl Store {
    /// What a setting says, if anybody has set it.
    pub async fn setting(&self, key: &str) -> Result<Option<String>, Error> {
        let sql = "SELECT value FROM settings WHERE key = $1";
        let row = self.row(sql, args![key]).await?;
        row.map(|row| row.get("value")).transpose()
    }

    /// Sets it.
    pub async fn set_setting(&self, key: &str, value: &str) -> Result<(), Error> {
        let sql = "INSERT INTO settings (key, value) VALUES ($1, $2)
                   ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        self.execute(sql, args![key, value]).await?;
        Ok(())
    }

    /// Sets it unless it is set, and gives what it says then.
    pub async fn fix_setting(&self, key: &str, value: &str) -> Result<String, Error> {
        let sql = "INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";
        self.execute(sql, args![key, value]).await?;
        Ok(self.setting(key).await?.unwrap_or_else(|| value.to_owned()))
    }
}
