//! One row: the installation.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "installation")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i16,
    pub installation_id: String,
    pub created_at: i64,
    pub key_check_master_key_id: String,
    pub key_check_provider: String,
    pub key_check_format_version: i32,
    #[sea_orm(column_type = "Blob")]
    pub key_check_ciphertext: Vec<u8>,
    #[sea_orm(column_type = "Blob")]
    pub identity_public_key: Vec<u8>,
    pub identity_created_at: i64,
    pub identity_master_key_id: String,
    pub identity_provider: String,
    pub identity_format_version: i32,
    #[sea_orm(column_type = "Blob")]
    pub identity_ciphertext: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
