/// What is sent in one request, and the smallest part of larger files. S3 takes no parts of less than 5 MiB.
const PART: usize = 8 * 1024 * 1024;
/// The largest: it is kept in memory until it is sent, and the one before it while it is being sent.
const LARGEST_PART: usize = 512 * 1024 * 1024;
/// S3 takes no more parts than these.
pub(crate) const MOST_PARTS: u32 = 10_000;
/// A part is at most so many times smaller than what was sent before it. Nobody knows the length of a stream, so that
/// parts have to grow early enough to make do with their number. Parts are of 8 MiB up to 12 GiB, of about 70 MB at 100 GB
/// and of 512 MiB from 768 GiB on, and the largest file has about 2 TB.
const SHARE_OF_A_PART: u64 = 1500;

/// How large the next part is when so many bytes were collected or sent.
pub(crate) fn part_after(bytes: u64) -> usize {
    let part = usize::try_from(bytes / SHARE_OF_A_PART).unwrap_or(LARGEST_PART);
    part.clamp(PART, LARGEST_PART)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_suffice_for_two_terabytes_and_stay_small_for_small_files() {
        const GB: u64 = 1_000_000_000;
        let mut bytes = 0;
        for _ in 0..MOST_PARTS {
            let part = part_after(bytes);
            assert!(part <= 512 << 20);
            assert!(bytes > 12 * GB || part == 8 << 20, "{part} after {bytes}");
            assert!(bytes > 100 * GB || part < 70_000_000, "{part} after {bytes}");
            bytes += part as u64;
        }
        assert!(bytes > 2_000 * GB, "{bytes}");
    }
}
