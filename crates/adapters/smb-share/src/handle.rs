//! What the library does not do with a file that is there: give it a second name, and flush it.

use smb2::Error;
use smb2::msg::create::{CreateDisposition, CreateRequest, CreateResponse, ImpersonationLevel, ShareAccess};
use smb2::msg::flush::FlushRequest;
use smb2::msg::query_info::InfoType;
use smb2::msg::set_info::SetInfoRequest;
use smb2::pack::{Pack, ReadCursor, Unpack};
use smb2::types::flags::FileAccessMask;
use smb2::types::{Command, FileId, OplockLevel};

use crate::link::Link;

/// `FileLinkInformation` (MS-FSCC, section 2.4.27).
const LINK: u8 = 11;

/// An open file. Nobody is kept from it meanwhile.
pub(crate) struct Handle<'a> {
    link: &'a Link,
    file: FileId,
}

impl<'a> Handle<'a> {
    /// Opens a file, and does not make it when it is not there.
    pub(crate) async fn open(link: &'a Link, path: &str) -> smb2::Result<Self> {
        let all =
            ShareAccess::FILE_SHARE_READ | ShareAccess::FILE_SHARE_WRITE | ShareAccess::FILE_SHARE_DELETE;
        // A file that is only read cannot be flushed (MS-SMB2, section 3.3.5.11).
        let access = FileAccessMask::FILE_APPEND_DATA
            | FileAccessMask::FILE_WRITE_ATTRIBUTES
            | FileAccessMask::SYNCHRONIZE;
        let request = CreateRequest {
            requested_oplock_level: OplockLevel::None,
            impersonation_level: ImpersonationLevel::Impersonation,
            desired_access: FileAccessMask::new(access),
            file_attributes: 0,
            share_access: ShareAccess(all),
            create_disposition: CreateDisposition::FileOpen,
            create_options: 0,
            name: link.wire_path(path),
            create_contexts: Vec::new(),
        };
        let answer = ask(link, Command::Create, &request).await?;
        let file = CreateResponse::unpack(&mut ReadCursor::new(&answer.body))?.file_id;
        Ok(Self { link, file })
    }

    /// Gives the file a second name, if nothing has it. File systems do this in one step, while the renaming of Samba looks
    /// first and renames then: of two writers at the same moment the later one would replace the file of the other.
    pub(crate) async fn also_call_it(&self, path: &str) -> smb2::Result<()> {
        let name: Vec<u8> = smb2::encode_path(path)
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let length = u32::try_from(name.len()).unwrap_or(u32::MAX);
        // Replace nothing, seven bytes of nothing, no folder that the name is counted from, the name.
        let buffer = [&[0; 16], &length.to_le_bytes()[..], &name].concat();
        let request = SetInfoRequest {
            info_type: InfoType::File,
            file_info_class: LINK,
            additional_information: 0,
            file_id: self.file,
            buffer,
        };
        ask(self.link, Command::SetInfo, &request).await.map(|_| ())
    }

    /// Flushes the file to the medium, and its names: they are not flushed by themselves, and after a power cut the file
    /// could bear its old one again.
    pub(crate) async fn flush(&self) -> smb2::Result<()> {
        let request = FlushRequest { file_id: self.file };
        ask(self.link, Command::Flush, &request).await.map(|_| ())
    }

    pub(crate) async fn close(self) {
        let mut connection = self.link.connection.clone();
        // It is closed with the session at the latest.
        let _ = Box::pin(self.link.tree.close_handle(&mut connection, self.file)).await;
    }
}

async fn ask(link: &Link, command: Command, request: &dyn Pack) -> smb2::Result<smb2::Frame> {
    let answer = link.connection.execute(command, request, Some(link.tree.tree_id));
    let answer = Box::pin(answer).await?;
    match answer.header.status {
        status if status.is_success() => Ok(answer),
        status => Err(Error::Protocol { status, command }),
    }
}
