//! The audit trail becomes a chain, with checkpoints beside it, and private keys can have a second copy under the next
//! master key.

use keystead_domain::ChainHash;
use sea_orm::sea_query::{
    Check, ColumnDef, Expr, ExprTrait, ForeignKey, ForeignKeyAction, Index, Order, Query,
    TableCreateStatement,
};
use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

use super::dialect::Dialect;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m20261124_000002_chain_and_rotation"
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
        dialect.create_table(manager, audit_checkpoints(dialect)).await?;
        dialect
            .create_table(manager, staged_private_keys(dialect))
            .await?;
        // How many keys are sealed under which master key is told from these alone, without reading the keys.
        for (table, name) in [
            ("keyset_private_keys", "keyset_private_keys_master_key"),
            ("staged_private_keys", "staged_private_keys_master_key"),
        ] {
            let index = Index::create()
                .name(name)
                .table(table)
                .col("master_key_id")
                .col("provider")
                .take();
            dialect.create_index(manager, table, name, index).await?;
        }
        // Older events get their values below; a column that must not be empty could not be added beside them.
        for table in ["audit_events", "audit_head"] {
            let chain = dialect.digest("chain").null().take();
            dialect.add_column(manager, table, "chain", chain).await?;
        }
        chain_what_is_there(manager).await
    }
}

/// The signed notes.
fn audit_checkpoints(dialect: Dialect) -> TableCreateStatement {
    dialect
        .table("audit_checkpoints")
        .col(ColumnDef::new("sequence").big_integer().not_null().primary_key())
        .col(dialect.text("note").not_null())
        .check(Check::named(
            "audit_checkpoints_sequence",
            Expr::col("sequence").gte(1),
        ))
        .take()
}

fn staged_private_keys(dialect: Dialect) -> TableCreateStatement {
    dialect
        .table("staged_private_keys")
        .col(dialect.uuid("keyset_id").not_null().primary_key())
        .col(dialect.word("master_key_id").not_null())
        .col(dialect.word("provider").not_null())
        .col(ColumnDef::new("format_version").integer().not_null())
        .col(dialect.bytes("ciphertext").not_null())
        .foreign_key(
            ForeignKey::create()
                .name("staged_private_keys_keyset")
                .from("staged_private_keys", "keyset_id")
                .to("keysets", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

/// Gives every event its value, from the first on, and the last value to the head. Done again, it writes the same.
async fn chain_what_is_there(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    const AT_ONCE: u64 = 500;
    let db = manager.get_connection();
    let (mut chain, mut after) = (ChainHash::START, 0_i64);
    loop {
        let query = Query::select()
            .columns(["sequence", "canonical"])
            .from("audit_events")
            .and_where(Expr::col("sequence").gt(after))
            .order_by("sequence", Order::Asc)
            .limit(AT_ONCE)
            .take();
        let rows = db.query_all(&query).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            let canonical: Vec<u8> = row.try_get("", "canonical")?;
            after = row.try_get("", "sequence")?;
            chain = chain.after(&canonical);
            let update = Query::update()
                .table("audit_events")
                .value("chain", chain.to_string())
                .and_where(Expr::col("sequence").eq(after))
                .take();
            db.execute(&update).await?;
        }
    }
    let head = Query::update()
        .table("audit_head")
        .value("chain", chain.to_string())
        .and_where(Expr::col("id").eq(1))
        .take();
    db.execute(&head).await.map(|_| ())
}
