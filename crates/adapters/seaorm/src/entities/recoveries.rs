//! The requests, and what became of them.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "recoveries")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub version: i64,
    pub server_id: String,
    pub identity: String,
    pub digest: String,
    pub asked_by: String,
    pub reason: Option<String>,
    pub created_at: i64,
    pub expires_at: i64,
    pub response_key: String,
    pub files: i64,
    pub received_at: i64,
    pub state: String,
    pub denied_at: Option<i64>,
    pub denied_by: Option<String>,
    pub denied_reason: Option<String>,
    pub answered_at: Option<i64>,
    pub answered_until: Option<i64>,
    pub answered_files: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
