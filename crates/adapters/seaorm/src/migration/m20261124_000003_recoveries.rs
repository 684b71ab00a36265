//! What belongs to recoveries: backup servers, officers, the policy, requests with their approvals, and the bytes of
//! requests and responses.

use sea_orm::DbErr;
use sea_orm::sea_query::{
    Check, ColumnDef, Expr, ExprTrait, ForeignKey, ForeignKeyAction, ForeignKeyCreateStatement, Index,
    IndexCreateStatement, TableCreateStatement,
};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

use super::checks::{all_null, at_least, has_length, length_of, none_null, one_row};
use super::dialect::Dialect;

pub(crate) struct Migration;

/// The longest part of a document, so that no row needs a large packet of a server.
const LONGEST_PART: i32 = 1024 * 1024;

/// The length of the text of a key that messages are encrypted to.
const MESSAGE_KEY: u32 = 62;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m20261124_000003_recoveries"
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
            backup_servers(dialect),
            server_identities(dialect),
            officers(dialect),
            recovery_policy(dialect),
            recovery_register(dialect),
            recoveries(dialect),
            recovery_approvals(dialect),
            recovery_documents(dialect),
        ] {
            dialect.create_table(manager, table).await?;
        }
        for (table, name, mut index) in [
            (
                "server_identities",
                "server_identities_fingerprint",
                on("server_identities", ["fingerprint"]).unique().take(),
            ),
            (
                "recoveries",
                "recoveries_received_at",
                on("recoveries", ["received_at", "id"]),
            ),
            (
                "recoveries",
                "recoveries_server_received_at",
                on("recoveries", ["server_id", "received_at"]),
            ),
        ] {
            let index = index.name(name).take();
            dialect.create_index(manager, table, name, index).await?;
        }
        Ok(())
    }
}

fn backup_servers(dialect: Dialect) -> TableCreateStatement {
    dialect
        .table("backup_servers")
        .col(dialect.uuid("id").not_null().primary_key())
        .col(ColumnDef::new("version").big_integer().not_null())
        .col(name("name").not_null())
        .col(dialect.time("enrolled_at").not_null())
        .col(dialect.time("removed_at").null())
        .col(name("removed_reason").null())
        .check(has_length("backup_servers_id_length", "id", 36))
        .check(at_least("backup_servers_version", "version", 1))
        .check(removal("backup_servers_removal"))
        .take()
}

fn server_identities(dialect: Dialect) -> TableCreateStatement {
    dialect
        .table("server_identities")
        .col(dialect.uuid("server_id").not_null())
        .col(ColumnDef::new("position").integer().not_null())
        .col(dialect.digest("fingerprint").not_null())
        .col(dialect.bytes("signing_key").not_null())
        .col(dialect.fixed("encryption_key", MESSAGE_KEY).not_null())
        .col(dialect.time("enrolled_at").not_null())
        .col(dialect.time("retired_at").null())
        .primary_key(Index::create().col("server_id").col("position"))
        .check(at_least("server_identities_position", "position", 1))
        .check(has_length(
            "server_identities_fingerprint_length",
            "fingerprint",
            64,
        ))
        .check(has_length("server_identities_signing_length", "signing_key", 32))
        .check(has_length(
            "server_identities_encryption_length",
            "encryption_key",
            62,
        ))
        .foreign_key(&mut belongs_to(
            "server_identities_server",
            ("server_identities", "server_id"),
            "backup_servers",
        ))
        .take()
}

fn officers(dialect: Dialect) -> TableCreateStatement {
    dialect
        .table("officers")
        .col(dialect.uuid("id").not_null().primary_key())
        .col(ColumnDef::new("version").big_integer().not_null())
        .col(name("name").not_null())
        // A line for each.
        .col(dialect.text("other_names").not_null())
        .col(dialect.word("key_kind").not_null())
        .col(dialect.bytes("key_wire").not_null())
        .col(dialect.time("added_at").not_null())
        .col(dialect.time("removed_at").null())
        .col(name("removed_reason").null())
        .check(has_length("officers_id_length", "id", 36))
        .check(at_least("officers_version", "version", 1))
        .check(removal("officers_removal"))
        .take()
}

/// One row, or none while the usual policy holds.
fn recovery_policy(dialect: Dialect) -> TableCreateStatement {
    dialect
        .table("recovery_policy")
        .col(dialect.the_row())
        .col(ColumnDef::new("approvals").big_integer().not_null())
        .col(
            ColumnDef::new("response_lifetime_seconds")
                .big_integer()
                .not_null(),
        )
        .col(ColumnDef::new("requests_per_day").big_integer().not_null())
        .check(one_row("recovery_policy_one_row"))
        .check(at_least("recovery_policy_approvals", "approvals", 1))
        .check(at_least(
            "recovery_policy_lifetime",
            "response_lifetime_seconds",
            1,
        ))
        .check(at_least("recovery_policy_requests", "requests_per_day", 1))
        .take()
}

/// One row: a signed note.
fn recovery_register(dialect: Dialect) -> TableCreateStatement {
    dialect
        .table("recovery_register")
        .col(dialect.the_row())
        .col(dialect.text("note").not_null())
        .check(one_row("recovery_register_one_row"))
        .take()
}

/// The checks say what the domain demands of a state.
fn recoveries(dialect: Dialect) -> TableCreateStatement {
    const DENIED: [&str; 3] = ["denied_at", "denied_by", "denied_reason"];
    const ANSWERED: [&str; 3] = ["answered_at", "answered_until", "answered_files"];
    let state = |word: &str, columns: Expr| Expr::col("state").eq(word).and(columns);
    dialect
        .table("recoveries")
        .col(dialect.uuid("id").not_null().primary_key())
        .col(ColumnDef::new("version").big_integer().not_null())
        .col(dialect.uuid("server_id").not_null())
        .col(dialect.digest("identity").not_null())
        .col(dialect.digest("digest").not_null())
        .col(name("asked_by").not_null())
        .col(name("reason").null())
        .col(dialect.time("created_at").not_null())
        .col(dialect.time("expires_at").not_null())
        .col(dialect.fixed("response_key", MESSAGE_KEY).not_null())
        .col(ColumnDef::new("files").big_integer().not_null())
        .col(dialect.time("received_at").not_null())
        .col(dialect.word("state").not_null())
        .col(dialect.time("denied_at").null())
        .col(name("denied_by").null())
        .col(name("denied_reason").null())
        .col(dialect.time("answered_at").null())
        .col(dialect.time("answered_until").null())
        .col(ColumnDef::new("answered_files").big_integer().null())
        .check(has_length("recoveries_id_length", "id", 36))
        .check(has_length("recoveries_identity_length", "identity", 64))
        .check(has_length("recoveries_digest_length", "digest", 64))
        .check(has_length("recoveries_response_key_length", "response_key", 62))
        .check(at_least("recoveries_version", "version", 1))
        .check(at_least("recoveries_files", "files", 0))
        .check(at_least("recoveries_answered_files", "answered_files", 0))
        .check(Check::named(
            "recoveries_state",
            state("waiting", all_null(DENIED).and(all_null(ANSWERED)))
                .or(state("denied", none_null(DENIED).and(all_null(ANSWERED))))
                .or(state("answered", all_null(DENIED).and(none_null(ANSWERED)))),
        ))
        .foreign_key(&mut belongs_to(
            "recoveries_server",
            ("recoveries", "server_id"),
            "backup_servers",
        ))
        .take()
}

fn recovery_approvals(dialect: Dialect) -> TableCreateStatement {
    dialect
        .table("recovery_approvals")
        .col(dialect.uuid("recovery_id").not_null())
        .col(ColumnDef::new("position").integer().not_null())
        .col(dialect.uuid("officer_id").not_null())
        .col(name("name").not_null())
        .col(dialect.word("origins").not_null())
        .col(ColumnDef::new("retired_identity").small_integer().not_null())
        .col(dialect.bytes("signature").not_null())
        .col(dialect.time("given_at").not_null())
        .primary_key(Index::create().col("recovery_id").col("position"))
        .check(at_least("recovery_approvals_position", "position", 1))
        .check(has_length("recovery_approvals_officer_length", "officer_id", 36))
        .check(Check::named(
            "recovery_approvals_retired_identity",
            Expr::col("retired_identity").is_in([0, 1]),
        ))
        .foreign_key(&mut belongs_to(
            "recovery_approvals_recovery",
            ("recovery_approvals", "recovery_id"),
            "recoveries",
        ))
        .take()
}

/// Each row says how many there are, so that a missing one is noticed wherever it was.
fn recovery_documents(dialect: Dialect) -> TableCreateStatement {
    dialect
        .table("recovery_documents")
        .col(dialect.uuid("recovery_id").not_null())
        .col(dialect.word("which").not_null())
        .col(ColumnDef::new("part").integer().not_null())
        .col(ColumnDef::new("parts").integer().not_null())
        .col(dialect.bytes("bytes").not_null())
        .primary_key(Index::create().col("recovery_id").col("which").col("part"))
        .check(Check::named(
            "recovery_documents_which",
            Expr::col("which").is_in(["request", "response"]),
        ))
        .check(Check::named(
            "recovery_documents_part",
            Expr::col("part")
                .gte(1)
                .and(Expr::col("part").lte(Expr::col("parts"))),
        ))
        .check(Check::named(
            "recovery_documents_length",
            length_of("bytes").lte(LONGEST_PART),
        ))
        .foreign_key(&mut belongs_to(
            "recovery_documents_recovery",
            ("recovery_documents", "recovery_id"),
            "recoveries",
        ))
        .take()
}

/// A line of text that people gave.
fn name(column: &'static str) -> ColumnDef {
    ColumnDef::new(column).string_len(200).take()
}

/// A reason is that of a removal.
fn removal(name: &'static str) -> Check {
    let (at, reason) = (Expr::col("removed_at"), Expr::col("removed_reason"));
    Check::named(name, at.is_not_null().or(reason.is_null()))
}

fn on<const N: usize>(table: &'static str, columns: [&'static str; N]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.table(table);
    for column in columns {
        index.col(column);
    }
    index.take()
}

/// What others belong to cannot be taken away from under them.
fn belongs_to(
    name: &'static str,
    from: (&'static str, &'static str),
    to: &'static str,
) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(name)
        .from(from.0, from.1)
        .to(to, "id")
        .on_delete(ForeignKeyAction::Restrict)
        .take()
}
