//! Whether somebody on the way made both sides believe that the other one can less than it can.
//!
//! With SMB 3.1.1 the session's keys depend on the first two messages, so that nobody changes them unnoticed. Before that
//! they are compared once more, when requests are signed (MS-SMB2, section 3.2.5.5).

use keystead_application::ports::{ShareError, ShareErrorKind};
use smb2::client::Connection;
use smb2::msg::ioctl::{FSCTL_VALIDATE_NEGOTIATE_INFO, IoctlRequest, IoctlResponse, SMB2_0_IOCTL_IS_FSCTL};
use smb2::msg::negotiate::{NegotiateRequest, NegotiateResponse};
use smb2::pack::{Pack, ReadCursor, Unpack, WriteCursor};
use smb2::types::status::NtStatus;
use smb2::types::{Command, Dialect, FileId};
use smb2::{Error, Tree};

use crate::access::SmbAccess;
use crate::error::{ON_THE_WAY, failed, is_broken, refused};
use crate::negotiation::Negotiation;

/// Compares what was sent with what the server got, and the other way around.
pub(crate) async fn check(
    access: &SmbAccess,
    negotiation: &Negotiation,
    connection: &Connection,
    tree: &Tree,
) -> Result<(), ShareError> {
    const OPERATION: &str = "check the connection";
    let Some((request, answer)) = negotiation.messages() else {
        return Ok(());
    };
    if answer.dialect_revision == Dialect::Smb3_1_1 {
        return Ok(());
    }
    let changed = |why: &str| {
        let why = format!(
            "{why}; somebody between here and the server may be changing what is sent, to weaken the connection"
        );
        Err(failed(access, ShareErrorKind::Untrusted, OPERATION, why).advising(ON_THE_WAY))
    };
    match Box::pin(ask(connection, tree, &request)).await {
        Ok(told) if told == summary(&answer) => Ok(()),
        Ok(_) => changed("the server tells now that it can something else than it told at first"),
        // Signed, and so said by the server: it is too old for the question.
        Err(Error::Protocol {
            status: NtStatus::FILE_CLOSED | NtStatus::INVALID_DEVICE_REQUEST | NtStatus::NOT_SUPPORTED,
            ..
        }) => Ok(()),
        // What servers do when the requests differ.
        Err(error) if is_broken(&error) => {
            changed("the server cut the connection when it was asked what it had got")
        }
        Err(error) => Err(refused(OPERATION, access.whole(), &error)),
    }
}

/// Tells the server what was sent to it, and gives what it says that it sent.
async fn ask(connection: &Connection, tree: &Tree, request: &NegotiateRequest) -> smb2::Result<Vec<u8>> {
    let mut sent = WriteCursor::new();
    sent.write_u32_le(request.capabilities.bits());
    request.client_guid.pack(&mut sent);
    sent.write_u16_le(request.security_mode.bits());
    sent.write_u16_le(u16::try_from(request.dialects.len()).unwrap_or(u16::MAX));
    for dialect in &request.dialects {
        sent.write_u16_le((*dialect).into());
    }
    let question = IoctlRequest {
        ctl_code: FSCTL_VALIDATE_NEGOTIATE_INFO,
        file_id: FileId::SENTINEL,
        max_input_response: 0,
        max_output_response: 24,
        flags: SMB2_0_IOCTL_IS_FSCTL,
        input_data: sent.into_inner(),
    };
    let command = Command::Ioctl;
    let told = connection.execute(command, &question, Some(tree.tree_id)).await?;
    match told.header.status {
        NtStatus::SUCCESS => Ok(IoctlResponse::unpack(&mut ReadCursor::new(&told.body))?.output_data),
        status => Err(Error::Protocol { status, command }),
    }
}

/// What the server has to tell.
fn summary(answer: &NegotiateResponse) -> Vec<u8> {
    let mut summary = WriteCursor::new();
    summary.write_u32_le(answer.capabilities.bits());
    answer.server_guid.pack(&mut summary);
    summary.write_u16_le(answer.security_mode.bits());
    summary.write_u16_le(answer.dialect_revision.into());
    summary.into_inner()
}
