//! The bytes of requests and responses, apart from them and in parts, so that no list ever touches one.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "recovery_documents")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub recovery_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub which: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub part: i32,
    pub parts: i32,
    #[sea_orm(column_type = "Blob")]
    pub bytes: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
