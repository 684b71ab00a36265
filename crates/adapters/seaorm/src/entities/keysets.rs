//! The keysets. Which one is Active is not written here: `active_keyset` points at it.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "keysets")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub version: i64,
    pub hint: String,
    #[sea_orm(column_type = "Blob")]
    pub spki: Vec<u8>,
    pub fingerprint: String,
    pub bits: i32,
    pub recipient_tag: String,
    pub origin: String,
    pub exported_as: Option<String>,
    pub created_at: i64,
    pub activated_at: Option<i64>,
    pub deactivated_at: Option<i64>,
    pub superseded_by: Option<String>,
    pub last_exported_at: Option<i64>,
    pub last_export_to: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(has_one = "super::active_keyset::Entity")]
    Pointer,
}

impl Related<super::active_keyset::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Pointer.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
