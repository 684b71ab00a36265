//! The sealed private keys, apart from the keysets, so that no list ever touches one.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "keyset_private_keys")]
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
pub enum Relation {
    #[sea_orm(
        belongs_to = "super::keysets::Entity",
        from = "Column::KeysetId",
        to = "super::keysets::Column::Id"
    )]
    Keyset,
}

impl ActiveModelBehavior for ActiveModel {}
