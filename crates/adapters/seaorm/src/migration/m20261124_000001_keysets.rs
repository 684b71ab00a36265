//! The installation, its keysets, and the audit trail.

use sea_orm::DbErr;
use sea_orm::sea_query::{
    Check, ColumnDef, Expr, ExprTrait, ForeignKey, ForeignKeyAction, Index, Query, TableCreateStatement,
};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

use super::checks::{all_null, has_length, none_null, one_row};
use super::dialect::{Dialect, is_empty};

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
        let dialect = Dialect::of(manager);
        for table in [
            installation(dialect),
            keysets(dialect),
            keyset_private_keys(dialect),
            active_keyset(dialect),
            audit_head(dialect),
            audit_events(dialect),
        ] {
            dialect.create_table(manager, table).await?;
        }
        let fingerprint = Index::create()
            .name("keysets_fingerprint")
            .table("keysets")
            .col("fingerprint")
            .unique()
            .take();
        let recipient_tag = Index::create()
            .name("keysets_recipient_tag")
            .table("keysets")
            .col("recipient_tag")
            .col("fingerprint")
            .take();
        let created_at = Index::create()
            .name("keysets_created_at")
            .table("keysets")
            .col("created_at")
            .col("id")
            .take();
        for (name, index) in [
            ("keysets_fingerprint", fingerprint),
            ("keysets_recipient_tag", recipient_tag),
            ("keysets_created_at", created_at),
        ] {
            dialect.create_index(manager, "keysets", name, index).await?;
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
        for (table, row) in [("active_keyset", pointer), ("audit_head", head)] {
            if is_empty(manager, table).await? {
                manager.execute(row).await?;
            }
        }
        Ok(())
    }
}

fn installation(dialect: Dialect) -> TableCreateStatement {
    dialect
        .table("installation")
        .col(dialect.the_row())
        .col(dialect.uuid("installation_id").not_null())
        .col(dialect.time("created_at").not_null())
        .col(dialect.word("key_check_master_key_id").not_null())
        .col(dialect.word("key_check_provider").not_null())
        .col(ColumnDef::new("key_check_format_version").integer().not_null())
        .col(dialect.bytes("key_check_ciphertext").not_null())
        .col(dialect.bytes("identity_public_key").not_null())
        .col(dialect.time("identity_created_at").not_null())
        .col(dialect.word("identity_master_key_id").not_null())
        .col(dialect.word("identity_provider").not_null())
        .col(ColumnDef::new("identity_format_version").integer().not_null())
        .col(dialect.bytes("identity_ciphertext").not_null())
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
fn keysets(dialect: Dialect) -> TableCreateStatement {
    dialect
        .table("keysets")
        .col(dialect.uuid("id").not_null().primary_key())
        .col(ColumnDef::new("version").big_integer().not_null())
        .col(ColumnDef::new("hint").string_len(200).not_null())
        .col(dialect.bytes("spki").not_null())
        .col(dialect.digest("fingerprint").not_null())
        .col(ColumnDef::new("bits").integer().not_null())
        .col(dialect.fixed("recipient_tag", 8).not_null())
        .col(ColumnDef::new("origin").string_len(16).not_null())
        .col(dialect.uuid("exported_as").null())
        .col(dialect.time("created_at").not_null())
        .col(dialect.time("activated_at").null())
        .col(dialect.time("deactivated_at").null())
        .col(dialect.digest("superseded_by").null())
        .col(dialect.time("last_exported_at").null())
        .col(dialect.text("last_export_to").null())
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

fn keyset_private_keys(dialect: Dialect) -> TableCreateStatement {
    dialect
        .table("keyset_private_keys")
        .col(dialect.uuid("keyset_id").not_null().primary_key())
        .col(dialect.word("master_key_id").not_null())
        .col(dialect.word("provider").not_null())
        .col(ColumnDef::new("format_version").integer().not_null())
        .col(dialect.bytes("ciphertext").not_null())
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
fn active_keyset(dialect: Dialect) -> TableCreateStatement {
    dialect
        .table("active_keyset")
        .col(dialect.the_row())
        .col(dialect.uuid("keyset_id").null().unique_key())
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
fn audit_head(dialect: Dialect) -> TableCreateStatement {
    dialect
        .table("audit_head")
        .col(dialect.the_row())
        .col(ColumnDef::new("last_sequence").big_integer().not_null())
        .check(one_row("audit_head_one_row"))
        .check(Check::named(
            "audit_head_sequence",
            Expr::col("last_sequence").gte(0),
        ))
        .take()
}

fn audit_events(dialect: Dialect) -> TableCreateStatement {
    dialect
        .table("audit_events")
        .col(ColumnDef::new("sequence").big_integer().not_null().primary_key())
        .col(dialect.time("at").not_null())
        .col(dialect.word("action").not_null())
        .col(dialect.text("subject").null())
        .col(dialect.word("outcome").not_null())
        .col(dialect.bytes("canonical").not_null())
        .check(Check::named(
            "audit_events_sequence",
            Expr::col("sequence").gte(1),
        ))
        .take()
}
