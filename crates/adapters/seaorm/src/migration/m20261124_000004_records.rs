//! Records: small documents that the application keeps beside the keysets, by kind and key.

use sea_orm::DbErr;
use sea_orm::sea_query::{ColumnDef, Index, TableCreateStatement};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

use super::checks::{at_least, has_length_between};
use super::dialect::Dialect;

pub(crate) struct Migration;

const TABLE: &str = "records";
const LONGEST_KEY: u32 = 128;
const BY_END: &str = "records_expires_at";

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m20261124_000004_records"
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
        dialect.create_table(manager, records(dialect)).await?;
        let index = Index::create()
            .name(BY_END)
            .table(TABLE)
            .col("kind")
            .col("expires_at")
            .take();
        dialect.create_index(manager, TABLE, BY_END, index).await
    }
}

/// Which kinds there are is not said here, so that another one needs no step: a program asks for those that it knows.
fn records(dialect: Dialect) -> TableCreateStatement {
    dialect
        .table(TABLE)
        .col(dialect.word("kind").not_null())
        .col(dialect.key("record_key", LONGEST_KEY).not_null())
        .col(ColumnDef::new("version").big_integer().not_null())
        .col(dialect.time("expires_at").null())
        .col(dialect.text("document").not_null())
        .primary_key(Index::create().col("kind").col("record_key"))
        .check(has_length_between("records_key_length", "record_key", (1, 128)))
        .check(at_least("records_version", "version", 1))
        .take()
}
