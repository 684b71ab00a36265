//! The audit trail: the canonical bytes of each event, and columns to look them up by.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_events")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    pub at: i64,
    pub action: String,
    pub subject: Option<String>,
    pub outcome: String,
    #[sea_orm(column_type = "Blob")]
    pub canonical: Vec<u8>,
    pub chain: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
