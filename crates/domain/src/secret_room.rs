use zeroize::Zeroizing;

/// Makes room in a buffer of secrets for `more` bytes without leaving a copy behind: a vector that grows by itself frees its
/// old memory as it is. The room doubles, up to `most` bytes, and is at least what is needed.
pub fn make_room(buffer: &mut Zeroizing<Vec<u8>>, more: usize, most: usize) {
    const LEAST: usize = 8 * 1024;
    let needed = buffer.len().saturating_add(more);
    if buffer.capacity() < needed {
        let room = needed.next_power_of_two().min(most).max(needed).max(LEAST);
        let mut larger = Zeroizing::new(Vec::with_capacity(room));
        larger.extend_from_slice(buffer);
        *buffer = larger;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_and_the_content_stays() {
        let mut buffer = Zeroizing::new(b"abc".to_vec());
        make_room(&mut buffer, 10_000, 12_000);
        assert!(buffer.capacity() >= 10_003 && buffer.as_slice() == b"abc");
        make_room(&mut buffer, 20_000, 12_000);
        assert!(buffer.capacity() >= 20_003 && buffer.as_slice() == b"abc");
    }
}
