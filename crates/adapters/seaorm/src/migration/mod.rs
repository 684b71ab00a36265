//! The steps that made the schema what it is. A step that was released is never changed again.

use sea_orm::sea_query::{Alias, IntoIden};
use sea_orm::{ConnectionTrait, DbErr, DynIden};
use sea_orm_migration::{MigrationTrait, MigratorTrait, SchemaManager};

mod m20261124_000001_keysets;

/// Runs the steps in their order.
pub(crate) struct Migrator;

/// Not the default name: in a server's database, another program may use that.
const TABLE: &str = "keystead_migrations";

/// How the schema of a database relates to this program.
pub(crate) struct Progress {
    pub(crate) applied: Vec<String>,
    pub(crate) pending: Vec<String>,
    pub(crate) unknown: Vec<String>,
}

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m20261124_000001_keysets::Migration)]
    }

    fn migration_table_name() -> DynIden {
        Alias::new(TABLE).into_iden()
    }
}

impl Progress {
    /// The progress of a database in which nothing was done yet.
    pub(crate) fn none() -> Self {
        Self::of(Vec::new())
    }

    /// Reads it, and changes nothing: not even the table of the migrations is made.
    pub(crate) async fn read<C: ConnectionTrait>(manager: &SchemaManager<'_>, db: &C) -> Result<Self, DbErr> {
        use sea_orm::sea_query::{Order, Query};

        if !manager.has_table(TABLE).await? {
            return Ok(Self::none());
        }
        let query = Query::select()
            .column("version")
            .from(TABLE)
            .order_by("version", Order::Asc)
            .take();
        let rows = db.query_all(&query).await?;
        let names: Result<Vec<String>, DbErr> = rows.iter().map(|row| row.try_get("", "version")).collect();
        Ok(Self::of(names?))
    }

    fn of(found: Vec<String>) -> Self {
        let known: Vec<String> = Migrator::migrations()
            .iter()
            .map(|step| step.name().to_owned())
            .collect();
        let (applied, unknown): (Vec<String>, Vec<String>) =
            found.into_iter().partition(|name| known.contains(name));
        let pending = known
            .into_iter()
            .filter(|name| !applied.iter().any(|done| done == name))
            .collect();
        Self {
            applied,
            pending,
            unknown,
        }
    }
}
