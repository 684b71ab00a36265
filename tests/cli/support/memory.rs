//! Looks for secrets in the memory of this process without holding them: they are known masked, and compared masked.

use std::fs::{self, File};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// The length of a secret, and of its halves: a register or a line of a cache may spill one of them.
const LEN: usize = 16;
const HALF: usize = 8;
const CHUNK: usize = 1024 * 1024;
const PAGE: usize = 4096;
const ZEROS: [u8; PAGE + HALF] = [0; PAGE + HALF];

/// Secrets of 16 bytes, each combined with the same mask by exclusive or.
pub struct Needles {
    mask: [u8; LEN],
    masked: Vec<[u8; LEN]>,
    /// Which masked first two bytes halves begin with: one look for most of what is passed over.
    begins: Vec<bool>,
}

/// Where a half of a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Which secret.
    pub needle: usize,
    /// Its first or its second half.
    pub second: bool,
    /// Where.
    pub address: usize,
    /// What is mapped there, such as `[heap]` or `[stack]`.
    pub mapping: String,
}

impl Needles {
    /// Reads a mask, and the masked secrets behind it.
    pub fn read(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap();
        let (mask, masked) = bytes.split_first_chunk().unwrap();
        let masked: Vec<[u8; LEN]> = masked.as_chunks().0.to_vec();
        let mut begins = vec![false; 1 << 16];
        for needle in &masked {
            // The second half has another part of the mask; `half_at` takes it into account.
            begins[pair(needle[0], needle[1])] = true;
            begins[pair(
                needle[HALF] ^ mask[HALF] ^ mask[0],
                needle[HALF + 1] ^ mask[HALF + 1] ^ mask[1],
            )] = true;
        }
        Self {
            mask: *mask,
            masked,
            begins,
        }
    }

    /// Puts a secret in a place, for a scan to find.
    pub fn unmask(&self, needle: usize, place: &mut [u8; LEN]) {
        let masked = self.masked[needle].iter().zip(&self.mask);
        place
            .iter_mut()
            .zip(masked)
            .for_each(|(byte, (masked, mask))| *byte = masked ^ mask);
    }

    /// The secrets of which anything is in memory, each once.
    pub fn found(&self) -> Vec<usize> {
        let mut found: Vec<usize> = self.places().into_iter().map(|found| found.needle).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Every place of this process's memory that can be written and has a half of a secret.
    pub fn places(&self) -> Vec<Found> {
        let memory = File::open("/proc/self/mem").unwrap();
        let mut buffer = vec![0; CHUNK + HALF];
        let own = buffer.as_ptr().addr()..buffer.as_ptr().addr() + buffer.len();
        let mut found = Vec::new();
        let mut scanned = 0;
        for (range, mapping) in writable() {
            for start in range.clone().step_by(CHUNK) {
                let len = (range.end - start).min(buffer.len());
                let part = &mut buffer[..len];
                // A mapping that went away since, such as that of a thread, holds nothing any more.
                if memory.read_exact_at(part, start as u64).is_err() {
                    continue;
                }
                // What this buffer holds of what was looked at before is no finding of its own.
                for address in own.start.max(start)..own.end.min(start + len) {
                    part[address - start] = 0;
                }
                scanned += len;
                // Most pages were never written to.
                for page in (0..len.min(CHUNK)).step_by(PAGE) {
                    let part = &part[page..(page + PAGE + HALF - 1).min(len)];
                    if *part != ZEROS[..part.len()] {
                        self.look_at(part, start + page, &mapping, &mut found);
                    }
                }
            }
        }
        assert!(scanned > CHUNK, "there is more memory than that");
        found
    }

    fn look_at(&self, part: &[u8], start: usize, mapping: &str, found: &mut Vec<Found>) {
        for (at, window) in part.windows(HALF).enumerate() {
            if !self.begins[pair(window[0] ^ self.mask[0], window[1] ^ self.mask[1])] {
                continue;
            }
            for (needle, masked) in self.masked.iter().enumerate() {
                for second in [false, true] {
                    let from = if second { HALF } else { 0 };
                    let half = masked[from..].iter().zip(&self.mask[from..]);
                    if half
                        .zip(window)
                        .all(|((masked, mask), byte)| byte ^ mask == *masked)
                    {
                        found.push(Found {
                            needle,
                            second,
                            address: start + at,
                            mapping: mapping.to_owned(),
                        });
                    }
                }
            }
        }
    }
}

fn pair(first: u8, second: u8) -> usize {
    usize::from(u16::from_le_bytes([first, second]))
}

/// The mappings of this process that can be read and written, and what they are.
fn writable() -> Vec<(Range<usize>, String)> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let mapping = |line: &str| {
        let mut fields = line.split_ascii_whitespace();
        let (range, rights) = (fields.next().unwrap(), fields.next().unwrap());
        let (from, to) = range.split_once('-').unwrap();
        let address = |digits| usize::from_str_radix(digits, 16).unwrap();
        let what = fields.nth(3).unwrap_or("anonymous").to_owned();
        rights
            .starts_with("rw")
            .then(|| (address(from)..address(to), what))
    };
    maps.lines().filter_map(mapping).collect()
}
