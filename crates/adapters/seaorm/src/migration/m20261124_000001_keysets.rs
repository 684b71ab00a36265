//! The installation, its keysets, and the audit trail.

use sea_orm::DbErr;
use sea_orm::sea_query::{
    Check, ColumnDef, Expr, ExprTrait, ForeignKey, ForeignKeyAction, Func, Index, Query, Table,
    TableCreateStatement,
};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m20261124_000001_keysets"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[allow(
        elided_lifetimes_in_paths,
        reason = "the trait spells it so, and async_trait wants the same"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            installation(),
            keysets(),
            keyset_private_keys(),
            active_keyset(),
            audit_head(),
            audit_events(),
        ] {
            manager.create_table(table).await?;
        }
        for index in [
            Index::create()
                .name("keysets_fingerprint")
                .table("keysets")
                .col("fingerprint")
                .unique()
                .take(),
            Index::create()
                .name("keysets_recipient_tag")
                .table("keysets")
                .col("recipient_tag")
                .col("fingerprint")
                .take(),
            Index::create()
                .name("keysets_created_at")
                .table("keysets")
                .col("created_at")
                .col("id")
                .take(),
        ] {
            manager.create_index(index).await?;
        }
        let pointer = Query::insert()
            .into_table("active_keyset")
            .columns(["id"])
            .values_panic([1.into()])
            .take();
        let head = Query::insert()
            .into_table("audit_head")
            .columns(["id", "last_sequence"])
            .values_panic([1.into(), 0.into()])
            .take();
        for row in [pointer, head] {
            manager.execute(row).await?;
        }
        Ok(())
    }
}

fn installation() -> TableCreateStatement {
    Table::create()
        .table("installation")
        .col(the_row())
        .col(uuid("installation_id").not_null())
        .col(time("created_at").not_null())
        .col(word("key_check_master_key_id").not_null())
        .col(word("key_check_provider").not_null())
        .col(ColumnDef::new("key_check_format_version").integer().not_null())
        .col(ColumnDef::new("key_check_ciphertext").blob().not_null())
        .col(ColumnDef::new("identity_public_key").blob().not_null())
        .col(time("identity_created_at").not_null())
        .col(word("identity_master_key_id").not_null())
        .col(word("identity_provider").not_null())
        .col(ColumnDef::new("identity_format_version").integer().not_null())
        .col(ColumnDef::new("identity_ciphertext").blob().not_null())
        .check(one_row("installation_one_row"))
        .check(has_length("installation_id_length", "installation_id", 36))
        .check(has_length(
            "installation_public_key_length",
            "identity_public_key",
            32,
        ))
        .take()
}

/// The checks say what the domain demands when it takes a keyset back from the store.
fn keysets() -> TableCreateStatement {
    Table::create()
        .table("keysets")
        .col(uuid("id").not_null().primary_key())
        .col(ColumnDef::new("version").big_integer().not_null())
        .col(ColumnDef::new("hint").string_len(200).not_null())
        .col(ColumnDef::new("spki").blob().not_null())
        .col(fingerprint("fingerprint").not_null())
        .col(ColumnDef::new("bits").integer().not_null())
        .col(ColumnDef::new("recipient_tag").char_len(8).not_null())
        .col(ColumnDef::new("origin").string_len(16).not_null())
        .col(uuid("exported_as").null())
        .col(time("created_at").not_null())
        .col(time("activated_at").null())
        .col(time("deactivated_at").null())
        .col(fingerprint("superseded_by").null())
        .col(time("last_exported_at").null())
        .col(ColumnDef::new("last_export_to").text().null())
        .check(has_length("keysets_id_length", "id", 36))
        .check(has_length("keysets_fingerprint_length", "fingerprint", 64))
        .check(has_length("keysets_tag_length", "recipient_tag", 8))
        .check(Check::named("keysets_version", Expr::col("version").gte(1)))
        .check(Check::named(
            "keysets_bits",
            Expr::col("bits").gte(2048).and(Expr::col("bits").lte(8192)),
        ))
        .check(Check::named(
            "keysets_origin",
            Expr::col("origin").eq("imported").or(Expr::col("origin")
                .eq("generated")
                .and(Expr::col("exported_as").is_null())),
        ))
        // Never active; active now; superseded, and then when and by which.
        .check(Check::named(
            "keysets_state",
            all_null(["activated_at", "deactivated_at", "superseded_by"])
                .or(Expr::col("activated_at")
                    .is_not_null()
                    .and(all_null(["deactivated_at", "superseded_by"])))
                .or(none_null(["activated_at", "deactivated_at", "superseded_by"])),
        ))
        .check(Check::named(
            "keysets_last_export",
            all_null(["last_exported_at", "last_export_to"])
                .or(none_null(["last_exported_at", "last_export_to"])),
        ))
        .take()
}

fn keyset_private_keys() -> TableCreateStatement {
    Table::create()
        .table("keyset_private_keys")
        .col(uuid("keyset_id").not_null().primary_key())
        .col(word("master_key_id").not_null())
        .col(word("provider").not_null())
        .col(ColumnDef::new("format_version").integer().not_null())
        .col(ColumnDef::new("ciphertext").blob().not_null())
        .foreign_key(
            ForeignKey::create()
                .name("keyset_private_keys_keyset")
                .from("keyset_private_keys", "keyset_id")
                .to("keysets", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

/// One row, so one Active keyset at most.
fn active_keyset() -> TableCreateStatement {
    Table::create()
        .table("active_keyset")
        .col(the_row())
        .col(uuid("keyset_id").null().unique_key())
        .check(one_row("active_keyset_one_row"))
        .foreign_key(
            ForeignKey::create()
                .name("active_keyset_keyset")
                .from("active_keyset", "keyset_id")
                .to("keysets", "id")
                .on_delete(ForeignKeyAction::Restrict),
        )
        .take()
}

/// One row, so one writer at a time.
fn audit_head() -> TableCreateStatement {
    Table::create()
        .table("audit_head")
        .col(the_row())
        .col(ColumnDef::new("last_sequence").big_integer().not_null())
        .check(one_row("audit_head_one_row"))
        .check(Check::named(
            "audit_head_sequence",
            Expr::col("last_sequence").gte(0),
        ))
        .take()
}

fn audit_events() -> TableCreateStatement {
    Table::create()
        .table("audit_events")
        .col(ColumnDef::new("sequence").big_integer().not_null().primary_key())
        .col(time("at").not_null())
        .col(word("action").not_null())
        .col(ColumnDef::new("subject").text().null())
        .col(word("outcome").not_null())
        .col(ColumnDef::new("canonical").blob().not_null())
        .check(Check::named(
            "audit_events_sequence",
            Expr::col("sequence").gte(1),
        ))
        .take()
}

fn the_row() -> ColumnDef {
    ColumnDef::new("id")
        .small_integer()
        .not_null()
        .primary_key()
        .take()
}

fn uuid(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).char_len(36).take()
}

fn fingerprint(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).char_len(64).take()
}

fn word(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).string_len(64).take()
}

/// Microseconds since the epoch.
fn time(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().take()
}

fn one_row(name: &'static str) -> Check {
    Check::named(name, Expr::col("id").eq(1))
}

fn has_length(name: &'static str, column: &'static str, length: i32) -> Check {
    Check::named(
        name,
        Expr::expr(Func::cust("LENGTH").arg(Expr::col(column))).eq(length),
    )
}

fn all_null<const N: usize>(columns: [&'static str; N]) -> Expr {
    all(columns.map(|column| Expr::col(column).is_null()))
}

fn none_null<const N: usize>(columns: [&'static str; N]) -> Expr {
    all(columns.map(|column| Expr::col(column).is_not_null()))
}

fn all<const N: usize>(conditions: [Expr; N]) -> Expr {
    conditions
        .into_iter()
        .reduce(Expr::and)
        .unwrap_or_else(|| Expr::value(true))
}
