//! What requests bring. A field that is not known is refused: an option that was misspelled must not be lost silently.

mod access;
mod keysets;
mod recoveries;

pub use access::{
    AddUserRequest, ChangePasswordRequest, CreateTokenRequest, EditUserRequest, SetUpRequest, SignInRequest,
};
pub use keysets::{
    CreateKeysetRequest, EditKeysetRequest, ExportRequest, ExportToShareRequest, ImportRequest,
    InspectRequest,
};
pub use recoveries::{
    AddOfficerRequest, ApproveRequest, ChangePolicyRequest, DenyRequest, EnrolByCodeRequest,
    EnrolServerRequest, ReceiveRequest, RespondRequest, ServerCodeRequest,
};
