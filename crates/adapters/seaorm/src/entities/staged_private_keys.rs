//! The second copies of the private keys, sealed under the next master key.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "staged_private_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub keyset_id: String,
    pub master_key_id: String,
    pub provider: String,
    pub format_version: i32,
    #[sea_orm(column_type = "Blob")]
    pub ciphertext: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
