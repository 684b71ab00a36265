//! The officers, those who were taken off too.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "officers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub version: i64,
    pub name: String,
    pub other_names: String,
    pub key_kind: String,
    #[sea_orm(column_type = "Blob")]
    pub key_wire: Vec<u8>,
    pub added_at: i64,
    pub removed_at: Option<i64>,
    pub removed_reason: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
