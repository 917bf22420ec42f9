//! Statements that write many rows at once.

use std::fmt::Write as _;

use sqlx::AssertSqlSafe;

use super::{Error, Transaction, Value};

/// How many rows a statement takes: few sizes, so that each is prepared once; large ones, because
/// each statement is a round trip, to PostgreSQL or to the thread SQLite runs on.
const SIZES: [usize; 6] = [1, 4, 16, 32, 64, 128];
const LARGEST: usize = SIZES[SIZES.len() - 1];

impl Transaction {
    /// Runs a statement for rows of values. In `sql`, `@rows` stands where they are listed.
    pub(super) async fn many(&mut self, sql: &str, rows: Vec<Vec<Value>>) -> Result<(), Error> {
        let mut rows = &rows[..];
        while !rows.is_empty() {
            let fits = SIZES.iter().rev().find(|size| **size <= rows.len());
            let (now, later) = rows.split_at(*fits.unwrap_or(&1));
            self.listed(sql, now, now.len()).await?;
            rows = later;
        }
        Ok(())
    }

    /// The same in as few statements as there can be: further rows are listed with nothing but NULL
    /// in them, which the statement has to pass over.
    pub(super) async fn many_and_null(
        &mut self,
        sql: &str,
        rows: &[Vec<Value>],
    ) -> Result<(), Error> {
        for rows in rows.chunks(LARGEST) {
            let size = SIZES.iter().find(|size| **size >= rows.len());
            self.listed(sql, rows, *size.unwrap_or(&LARGEST)).await?;
        }
        Ok(())
    }

    /// One statement for these rows, with rows of NULL behind them until there are so many.
    async fn listed(&mut self, sql: &str, rows: &[Vec<Value>], count: usize) -> Result<(), Error> {
        let columns = rows[0].len();
        let listed = match self {
            // It looks each name up among all others, and there are hundreds.
            Transaction::Sqlite(_) => unnumbered(count, columns),
            Transaction::Postgres(_) => numbered(count, columns),
        };
        let sql = sql.replacen("@rows", &listed, 1);
        let nulls = rows[0].iter().map(Value::null).cycle();
        let values = rows.iter().flatten().cloned().chain(nulls);
        // Only numbers were put in.
        self.execute(AssertSqlSafe(sql), values.take(count * columns).collect())
            .await?;
        Ok(())
    }
}

/// `(?,?),(?,?)`
fn unnumbered(rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(","));
    vec![&*row; rows].join(",")
}

/// `($1,$2),($3,$4)`
fn numbered(rows: usize, columns: usize) -> String {
    let mut text = String::with_capacity(rows * (columns * 5 + 3));
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ",(" });
        for column in 1..=columns {
            let comma = if column == 1 { "" } else { "," };
            let _ = write!(text, "{comma}${}", row * columns + column);
        }
        text.push(')');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{numbered, unnumbered};

    #[test]
    fn placeholders_count_on_from_row_to_row() {
        assert_eq!(numbered(1, 1), "($1)");
        assert_eq!(numbered(2, 3), "($1,$2,$3),($4,$5,$6)");
        assert_eq!(unnumbered(2, 3), "(?,?,?),(?,?,?)");
    }
}
