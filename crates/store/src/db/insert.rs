//! Insert statements that name each column beside its value.

/// Inserts one row into a table of the connection's tenant. The statement text is built at compile time, so that it is
/// prepared once; `tenant_id` is the first column and is bound by `tenant_query!`.
///
/// Text after the row (`on conflict …`) is appended to the statement. Arguments after that text are numbered after the columns.
macro_rules! insert {
    ($self:ident, $table:literal { $($column:ident: $value:expr),+ $(,)? } $(, $tail:literal $(, $arg:expr)*)?) => {{
        $crate::db::insert::insert_text!($table, [$($column),+], concat!($($tail)?));
        $crate::db::conn::tenant_query!($self, execute, SQL, $($value),+ $($(, $arg)*)?)
    }};
    ($self:ident, $type:ty, $how:ident, $table:literal { $($column:ident: $value:expr),+ $(,)? }
        $(, $tail:literal $(, $arg:expr)*)?) => {{
        $crate::db::insert::insert_text!($table, [$($column),+], concat!($($tail)?));
        $crate::db::conn::tenant_query!($self, $type, $how, SQL, $($value),+ $($(, $arg)*)?)
    }};
}
pub(crate) use insert;

/// Declares the constant `SQL`: the insert statement for these columns.
macro_rules! insert_text {
    ($table:expr, [$($column:ident),+], $tail:expr) => {
        const COLUMNS: &[&str] = &["tenant_id", $(stringify!($column)),+];
        const LENGTH: usize = $crate::db::insert::statement_length($table, COLUMNS, $tail);
        const BYTES: [u8; LENGTH] = $crate::db::insert::statement($table, COLUMNS, $tail);
        const SQL: &str = match std::str::from_utf8(&BYTES) {
            Ok(text) => text,
            Err(_) => "", // does not pass the check of `tenant_query!`
        };
    };
}
pub(crate) use insert_text;

/// Returns the length of [`statement`] in bytes.
pub(crate) const fn statement_length(table: &str, columns: &[&str], tail: &str) -> usize {
    write::<0>(table, columns, tail).1
}

/// Returns `insert into TABLE (COLUMNS) values ($1, …) TAIL`.
pub(crate) const fn statement<const LENGTH: usize>(table: &str, columns: &[&str], tail: &str) -> [u8; LENGTH] {
    write::<LENGTH>(table, columns, tail).0
}

/// Writes as much of the statement as fits, and counts all of it.
const fn write<const LENGTH: usize>(table: &str, columns: &[&str], tail: &str) -> ([u8; LENGTH], usize) {
    let mut text = Text { bytes: [0; LENGTH], length: 0 };
    text.push("insert into ");
    text.push(table);
    text.push(" (");
    let mut column = 0;
    while column < columns.len() {
        if column > 0 {
            text.push(", ");
        }
        text.push(columns[column]);
        column += 1;
    }
    text.push(") values (");
    let mut number = 1;
    while number <= columns.len() {
        text.push(if number > 1 { ", $" } else { "$" });
        if number >= 10 {
            text.push_digit(number / 10);
        }
        text.push_digit(number % 10);
        number += 1;
    }
    text.push(")");
    if !tail.is_empty() {
        text.push(" ");
        text.push(tail);
    }
    (text.bytes, text.length)
}

struct Text<const LENGTH: usize> {
    bytes: [u8; LENGTH],
    length: usize,
}

impl<const LENGTH: usize> Text<LENGTH> {
    const fn push(&mut self, text: &str) {
        let text = text.as_bytes();
        let mut at = 0;
        while at < text.len() {
            self.push_byte(text[at]);
            at += 1;
        }
    }

    const fn push_digit(&mut self, digit: usize) {
        const DIGITS: &[u8; 10] = b"0123456789";
        self.push_byte(DIGITS[digit % 10]);
    }

    const fn push_byte(&mut self, byte: u8) {
        if self.length < LENGTH {
            self.bytes[self.length] = byte;
        }
        self.length += 1;
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_insert_numbers_its_columns_from_the_tenant_on() {
        insert_text!("sale", [id, a, b, c, d, e, f, g, h, i], "on conflict do nothing");
        assert_eq!(
            SQL,
            "insert into sale (tenant_id, id, a, b, c, d, e, f, g, h, i) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing"
        );
    }
}
