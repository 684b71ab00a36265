//! Moves a payload through a cipher, in constant memory: one task reads, a thread of its own computes, one task writes.

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::mpsc;

use super::BackupError;
use super::shared::off_runtime;
use crate::ports::{PayloadStream, SealedFormatError, ShareWriter};

/// Is told how many bytes of input were taken so far.
pub type Progress<'a> = &'a (dyn Fn(u64) + Send + Sync);

/// How much is read at once, in bytes.
const PIECE: usize = 512 * 1024;
/// How many pieces wait between two steps.
const QUEUE: usize = 2;

/// Feeds `first` and then `input` through the cipher into `output`; returns how many bytes went in.
pub(super) async fn pump(
    stream: Box<dyn PayloadStream>,
    first: Vec<u8>,
    input: &mut (dyn AsyncRead + Send + Unpin),
    output: &mut dyn ShareWriter,
    progress: Progress<'_>,
) -> Result<u64, BackupError> {
    let (to_cipher, from_reader) = mpsc::channel(QUEUE);
    let (to_writer, from_cipher) = mpsc::channel(QUEUE);
    let (give_back, used) = mpsc::channel(QUEUE + 1);
    let cipher = off_runtime(move || compute(stream, from_reader, &to_writer, &give_back));
    let (read, computed, written) = tokio::join!(
        read(first, input, to_cipher, used, progress),
        cipher,
        write(from_cipher, output)
    );
    // A failed write stops the cipher, and a failed cipher stops the reader: the first cause is the one to tell.
    written?;
    computed??;
    read
}

async fn read(
    first: Vec<u8>,
    input: &mut (dyn AsyncRead + Send + Unpin),
    to_cipher: mpsc::Sender<Piece>,
    mut used: mpsc::Receiver<Vec<u8>>,
    progress: Progress<'_>,
) -> Result<u64, BackupError> {
    let mut taken = first.len() as u64;
    if !first.is_empty() && to_cipher.send(Piece::Bytes(first)).await.is_err() {
        return Ok(taken);
    }
    loop {
        let mut piece = used.try_recv().unwrap_or_else(|_| Vec::with_capacity(PIECE));
        piece.clear();
        match fill(input, &mut piece).await {
            Ok(0) => {
                // The end is said, so that a reader that failed is not taken for one that finished.
                let _ = to_cipher.send(Piece::End).await;
                return Ok(taken);
            }
            Ok(_) => {}
            Err(error) => return Err(BackupError::of_input(error)),
        }
        taken += piece.len() as u64;
        progress(taken);
        if to_cipher.send(Piece::Bytes(piece)).await.is_err() {
            return Ok(taken);
        }
    }
}

/// Reads until the piece is full or the input ends: pipes give little at a time.
async fn fill(input: &mut (dyn AsyncRead + Send + Unpin), piece: &mut Vec<u8>) -> std::io::Result<usize> {
    while piece.len() < PIECE {
        let mut rest = (&mut *input).take((PIECE - piece.len()) as u64);
        if rest.read_buf(piece).await? == 0 {
            break;
        }
    }
    Ok(piece.len())
}

enum Piece {
    Bytes(Vec<u8>),
    End,
}

fn compute(
    mut stream: Box<dyn PayloadStream>,
    mut from_reader: mpsc::Receiver<Piece>,
    to_writer: &mpsc::Sender<Vec<u8>>,
    give_back: &mpsc::Sender<Vec<u8>>,
) -> Result<(), SealedFormatError> {
    while let Some(piece) = from_reader.blocking_recv() {
        let mut out = Vec::with_capacity(PIECE + PIECE / 64);
        match piece {
            Piece::Bytes(bytes) => {
                let pushed = stream.push(&bytes, &mut out);
                let _ = give_back.try_send(bytes);
                // What was authenticated before the damage goes out, as it would have in smaller pieces.
                let sent = to_writer.blocking_send(out);
                pushed?;
                if sent.is_err() {
                    return Ok(());
                }
            }
            Piece::End => {
                stream.finish(&mut out)?;
                let _ = to_writer.blocking_send(out);
                return Ok(());
            }
        }
    }
    Ok(())
}

async fn write(
    mut from_cipher: mpsc::Receiver<Vec<u8>>,
    output: &mut dyn ShareWriter,
) -> Result<(), BackupError> {
    while let Some(bytes) = from_cipher.recv().await {
        output.write(&bytes).await?;
    }
    Ok(())
}
