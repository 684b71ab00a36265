//! What a row has to keep to, as the tables say it.

use sea_orm::sea_query::{Check, Expr, ExprTrait, Func};

pub(super) fn one_row(name: &'static str) -> Check {
    Check::named(name, Expr::col("id").eq(1))
}

/// In characters for text, and in bytes for bytes.
pub(super) fn has_length(name: &'static str, column: &'static str, length: i32) -> Check {
    Check::named(name, length_of(column).eq(length))
}

/// In characters for text, and in bytes for bytes.
pub(super) fn has_length_between(
    name: &'static str,
    column: &'static str,
    (least, most): (i32, i32),
) -> Check {
    Check::named(name, length_of(column).between(least, most))
}

pub(super) fn length_of(column: &'static str) -> Expr {
    Expr::expr(Func::cust("LENGTH").arg(Expr::col(column)))
}

pub(super) fn at_least(name: &'static str, column: &'static str, least: i32) -> Check {
    Check::named(name, Expr::col(column).gte(least))
}

pub(super) fn all_null<const N: usize>(columns: [&'static str; N]) -> Expr {
    all(columns.map(|column| Expr::col(column).is_null()))
}

pub(super) fn none_null<const N: usize>(columns: [&'static str; N]) -> Expr {
    all(columns.map(|column| Expr::col(column).is_not_null()))
}

fn all<const N: usize>(conditions: [Expr; N]) -> Expr {
    conditions
        .into_iter()
        .reduce(Expr::and)
        .unwrap_or_else(|| Expr::value(true))
}
