//! The steps that made the schema what it is. A step that was released is never changed again.
//!
//! There is no way back: an older program refuses a schema that it does not know, and a backup made before the step is
//! the way to it. A step only adds (expand); what has become superfluous goes with a later release (contract), when no
//! program that needs it can still be running.
//!
//! A step may be interrupted. SQLite and PostgreSQL undo it then, and all that is pending with it. MariaDB and MySQL
//! commit at each change of the schema, so that a step finds its own beginning there: each of its statements looks first
//! whether it is done already, and that the whole step is done is written down last.

use sea_orm::sea_query::{Alias, IntoIden};
use sea_orm::{ConnectionTrait, DbErr, DynIden};
use sea_orm_migration::{MigrationTrait, MigratorTrait, SchemaManager};

mod checks;
mod dialect;
mod m20261124_000001_keysets;
mod m20261124_000002_chain_and_rotation;
mod m20261124_000003_recoveries;
mod m20261124_000004_records;

/// Runs the steps in their order.
pub(crate) struct Migrator;

/// Not the default name: in a server's database, another program may use that.
const TABLE: &str = "keystead_migrations";

/// How the schema of a database relates to this program.
pub(crate) struct Progress {
    /// Whether there is anything of a schema.
    pub(crate) begun: bool,
    pub(crate) applied: Vec<String>,
    pub(crate) pending: Vec<String>,
    pub(crate) unknown: Vec<String>,
}

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261124_000001_keysets::Migration),
            Box::new(m20261124_000002_chain_and_rotation::Migration),
            Box::new(m20261124_000003_recoveries::Migration),
            Box::new(m20261124_000004_records::Migration),
        ]
    }

    fn migration_table_name() -> DynIden {
        Alias::new(TABLE).into_iden()
    }
}

impl Progress {
    /// The progress of a database in which nothing was done yet.
    pub(crate) fn none() -> Self {
        Self::of(false, Vec::new())
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
        Ok(Self::of(true, names?))
    }

    fn of(begun: bool, found: Vec<String>) -> Self {
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
            begun,
            applied,
            pending,
            unknown,
        }
    }
}
