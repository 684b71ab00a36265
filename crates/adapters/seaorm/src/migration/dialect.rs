//! The words of each engine for the few kinds of columns that there are. For SQLite they are those of the first release.

use sea_orm::sea_query::{ColumnDef, IndexCreateStatement, Query, Table, TableCreateStatement};
use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::SchemaManager;

/// How an engine wants things said.
#[derive(Clone, Copy)]
pub(super) struct Dialect(DbBackend);

impl Dialect {
    pub(super) fn of(manager: &SchemaManager<'_>) -> Self {
        Self(manager.get_database_backend())
    }

    /// A table without columns yet. Text is compared by its bytes, whatever the database is set to.
    pub(super) fn table(self, name: &'static str) -> TableCreateStatement {
        let mut table = Table::create();
        table.table(name);
        if self.0 == DbBackend::MySql {
            table
                .engine("InnoDB")
                .character_set("utf8mb4")
                .collate("utf8mb4_bin");
        }
        table.take()
    }

    pub(super) fn the_row(self) -> ColumnDef {
        ColumnDef::new("id")
            .small_integer()
            .not_null()
            .primary_key()
            .take()
    }

    pub(super) fn uuid(self, name: &'static str) -> ColumnDef {
        self.fixed(name, 36)
    }

    /// A SHA-256 value in hexadecimal digits.
    pub(super) fn digest(self, name: &'static str) -> ColumnDef {
        self.fixed(name, 64)
    }

    /// Text that always has this length.
    pub(super) fn fixed(self, name: &'static str, length: u32) -> ColumnDef {
        let mut column = ColumnDef::new(name);
        match self.0 {
            // Its padded type is compared as another one than that of the values, past the index.
            DbBackend::Postgres => column.custom(format!("varchar({length}) COLLATE \"C\"")),
            _ => column.char_len(length),
        };
        column.take()
    }

    pub(super) fn word(self, name: &'static str) -> ColumnDef {
        let mut column = ColumnDef::new(name);
        match self.0 {
            DbBackend::Postgres => column.custom("varchar(64) COLLATE \"C\""),
            _ => column.string_len(64),
        };
        column.take()
    }

    /// Printable ASCII characters, compared byte by byte: two keys of which one has a space more at its end are two.
    pub(super) fn key(self, name: &'static str, length: u32) -> ColumnDef {
        let mut column = ColumnDef::new(name);
        match self.0 {
            DbBackend::Postgres => column.custom(format!("varchar({length}) COLLATE \"C\"")),
            // Text is compared as if it had spaces behind it.
            DbBackend::MySql => column.custom(format!("varbinary({length})")),
            _ => column.string_len(length),
        };
        column.take()
    }

    /// Text of any length.
    pub(super) fn text(self, name: &'static str) -> ColumnDef {
        let mut column = ColumnDef::new(name);
        match self.0 {
            DbBackend::MySql => column.custom("mediumtext"),
            _ => column.text(),
        };
        column.take()
    }

    pub(super) fn bytes(self, name: &'static str) -> ColumnDef {
        let mut column = ColumnDef::new(name);
        match self.0 {
            DbBackend::MySql => column.custom("mediumblob"),
            _ => column.blob(),
        };
        column.take()
    }

    /// Microseconds since the epoch.
    pub(super) fn time(self, name: &'static str) -> ColumnDef {
        ColumnDef::new(name).big_integer().take()
    }

    /// Makes a table where it is not there yet.
    pub(super) async fn create_table(
        self,
        manager: &SchemaManager<'_>,
        mut table: TableCreateStatement,
    ) -> Result<(), DbErr> {
        if self.0 == DbBackend::MySql {
            table.if_not_exists();
        }
        manager.create_table(table).await
    }

    /// Adds a column where it is not there yet.
    pub(super) async fn add_column(
        self,
        manager: &SchemaManager<'_>,
        table: &'static str,
        name: &'static str,
        column: ColumnDef,
    ) -> Result<(), DbErr> {
        if manager.has_column(table, name).await? {
            return Ok(());
        }
        manager
            .alter_table(Table::alter().table(table).add_column(column).take())
            .await
    }

    /// Makes an index where it is not there yet.
    pub(super) async fn create_index(
        self,
        manager: &SchemaManager<'_>,
        table: &'static str,
        name: &'static str,
        index: IndexCreateStatement,
    ) -> Result<(), DbErr> {
        if self.0 == DbBackend::MySql && manager.has_index(table, name).await? {
            return Ok(());
        }
        manager.create_index(index).await
    }
}

pub(super) async fn is_empty(manager: &SchemaManager<'_>, table: &'static str) -> Result<bool, DbErr> {
    let query = Query::select().column("id").from(table).limit(1).take();
    Ok(manager.get_connection().query_one(&query).await?.is_none())
}
