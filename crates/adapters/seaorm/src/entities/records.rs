//! Small documents of the application, by kind and key.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{ArrayType, Nullable, ValueType, ValueTypeErr};
use sea_orm::{ColIdx, TryFromU64, TryGetError, TryGetable};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "records")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub record_key: RecordKey,
    pub version: i64,
    pub expires_at: Option<i64>,
    #[sea_orm(column_type = "Text")]
    pub document: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Text that MariaDB and MySQL keep as bytes: their text knows no spaces at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordKey(pub String);

impl From<RecordKey> for Value {
    fn from(key: RecordKey) -> Self {
        key.0.into()
    }
}

impl TryGetable for RecordKey {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        if row.try_as_mysql_row().is_none() {
            return String::try_get_by(row, index).map(Self);
        }
        let bytes = Vec::<u8>::try_get_by(row, index)?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self(text)),
            Err(e) => Err(TryGetError::DbErr(DbErr::Type(format!(
                "records.record_key: {e}"
            )))),
        }
    }
}

impl ValueType for RecordKey {
    fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
        <String as ValueType>::try_from(value).map(Self)
    }

    fn type_name() -> String {
        "RecordKey".to_owned()
    }

    fn array_type() -> ArrayType {
        ArrayType::String
    }

    fn column_type() -> ColumnType {
        ColumnType::String(sea_orm::sea_query::StringLen::N(128))
    }
}

impl Nullable for RecordKey {
    fn null() -> Value {
        String::null()
    }
}

impl TryFromU64 for RecordKey {
    fn try_from_u64(_: u64) -> Result<Self, DbErr> {
        Err(DbErr::ConvertFromU64("RecordKey"))
    }
}
