//! Statements that write many rows at once.

use std::fmt::Write as _;

use sqlx::AssertSqlSafe;

use super::{Error, Transaction, Value};

/// How many rows a statement takes: few sizes, so that each is prepared once; large ones, because
/// each statement is a round trip, to PostgreSQL or to the thread SQLite runs on.
const SIZES: [usize; 4] = [128, 32, 8, 1];

impl Transaction {
    /// Runs a statement for rows of values. In `sql`, `@rows` stands where they are listed.
    pub(super) async fn many(&mut self, sql: &str, rows: Vec<Vec<Value>>) -> Result<(), Error> {
        let mut left = rows.len();
        let mut rows = rows.into_iter();
        for size in SIZES {
            while left >= size {
                left -= size;
                let chunk: Vec<_> = rows.by_ref().take(size).collect();
                let columns = chunk[0].len();
                let listed = match self {
                    // It looks each name up among all others, and there are hundreds.
                    Transaction::Sqlite(_) => unnumbered(size, columns),
                    Transaction::Postgres(_) => numbered(size, columns),
                };
                let sql = sql.replacen("@rows", &listed, 1);
                let values = chunk.into_iter().flatten().collect();
                // Only numbers were put in.
                self.execute(AssertSqlSafe(sql), values).await?;
            }
        }
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
