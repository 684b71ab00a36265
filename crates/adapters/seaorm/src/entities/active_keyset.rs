//! One row: the keyset that is Active.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "active_keyset")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i16,
    pub keyset_id: Option<String>,
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

impl Related<super::keysets::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Keyset.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
