//! What the library does not do: give a file that is there a second name and flush it, and look at the beginning of a
//! folder.

use smb2::Error;
use smb2::msg::create::{CreateDisposition, CreateRequest, CreateResponse, ImpersonationLevel, ShareAccess};
use smb2::msg::directory_info::{DirectoryInfoEntry, parse_entries};
use smb2::msg::flush::FlushRequest;
use smb2::msg::query_directory::{
    FileInformationClass, QueryDirectoryFlags, QueryDirectoryRequest, QueryDirectoryResponse,
};
use smb2::msg::query_info::InfoType;
use smb2::msg::set_info::SetInfoRequest;
use smb2::pack::{Pack, ReadCursor, Unpack};
use smb2::types::flags::FileAccessMask;
use smb2::types::{Command, FileId, OplockLevel};

use crate::link::Link;

/// `FileLinkInformation` (MS-FSCC, section 2.4.27).
const LINK: u8 = 11;

/// The option of opening that only a folder is meant (MS-SMB2, section 2.2.13).
const DIRECTORY_FILE: u32 = 1;

/// Enough for some entries of a folder.
const SOME_ENTRIES: u32 = 4096;

/// An open file or folder. Nobody is kept from it meanwhile.
pub(crate) struct Handle<'a> {
    link: &'a Link,
    file: FileId,
}

impl<'a> Handle<'a> {
    /// Opens a file, and does not make it when it is not there.
    pub(crate) async fn open(link: &'a Link, path: &str) -> smb2::Result<Self> {
        // A file that is only read cannot be flushed (MS-SMB2, section 3.3.5.11).
        let access = FileAccessMask::FILE_APPEND_DATA
            | FileAccessMask::FILE_WRITE_ATTRIBUTES
            | FileAccessMask::SYNCHRONIZE;
        Self::ask_for(link, path, access, 0).await
    }

    /// Opens a folder to list it, through a link if it is one and the server follows it.
    pub(crate) async fn open_folder(link: &'a Link, path: &str) -> smb2::Result<Self> {
        let access = FileAccessMask::FILE_READ_DATA
            | FileAccessMask::FILE_READ_ATTRIBUTES
            | FileAccessMask::SYNCHRONIZE;
        Self::ask_for(link, path, access, DIRECTORY_FILE).await
    }

    async fn ask_for(link: &'a Link, path: &str, access: u32, options: u32) -> smb2::Result<Self> {
        let all =
            ShareAccess::FILE_SHARE_READ | ShareAccess::FILE_SHARE_WRITE | ShareAccess::FILE_SHARE_DELETE;
        let request = CreateRequest {
            requested_oplock_level: OplockLevel::None,
            impersonation_level: ImpersonationLevel::Impersonation,
            desired_access: FileAccessMask::new(access),
            file_attributes: 0,
            share_access: ShareAccess(all),
            create_disposition: CreateDisposition::FileOpen,
            create_options: options,
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

    /// The first entries of the folder with their numbers. They begin with the folder itself and what it stands in.
    pub(crate) async fn first_entries(&self) -> smb2::Result<Vec<DirectoryInfoEntry>> {
        const CLASS: FileInformationClass = FileInformationClass::FileIdBothDirectoryInformation;
        let request = QueryDirectoryRequest {
            file_information_class: CLASS,
            flags: QueryDirectoryFlags(QueryDirectoryFlags::RESTART_SCANS),
            file_index: 0,
            file_id: self.file,
            output_buffer_length: SOME_ENTRIES,
            file_name: "*".to_owned(),
        };
        let answer = ask(self.link, Command::QueryDirectory, &request).await?;
        let listed = QueryDirectoryResponse::unpack(&mut ReadCursor::new(&answer.body))?;
        parse_entries(CLASS, &listed.output_buffer)
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
