//! The approvals of the requests, in their order.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "recovery_approvals")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub recovery_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i32,
    pub officer_id: String,
    pub name: String,
    pub origins: String,
    pub retired_identity: i16,
    #[sea_orm(column_type = "Blob")]
    pub signature: Vec<u8>,
    pub given_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
