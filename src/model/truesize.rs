//! Sizes of buffers as Linux 6.18 allocates them on x86-64: for pictures and for machines that cannot
//! be asked. What verifies the model asks the running kernel.

use super::settings::Truesize;

/// `sizeof(struct sk_buff)`, rounded up to a cache line.
const SKB: usize = 256;
/// `sizeof(struct skb_shared_info)`, rounded up to a cache line.
const SHARED: usize = 320;
const PAGE: usize = 4096;
/// `SKB_MAX_HEAD(0)`: what a page holds beside the shared info.
const HEAD: usize = PAGE - SHARED;
/// `SKB_MAX_ALLOC`.
const MAX_ALLOC: usize = 4 * PAGE - SHARED;

/// The table.
#[derive(Clone, Copy, Debug)]
pub struct Computed;

impl Truesize for Computed {
    fn stream(&self, len: usize) -> u32 {
        let paged = len.saturating_sub(HEAD).next_multiple_of(PAGE).min(len);
        allocated(len - paged, paged)
    }

    fn packet(&self, len: usize) -> u32 {
        let paged = len
            .saturating_sub(MAX_ALLOC)
            .next_multiple_of(PAGE)
            .min(len);
        allocated(len - paged, paged)
    }
}

/// `alloc_skb_with_frags`: a head from kmalloc, and pages.
fn allocated(head: usize, paged: usize) -> u32 {
    let wanted = head.next_multiple_of(64) + SHARED;
    let head = match wanted {
        0..=8192 => wanted.next_power_of_two(),
        _ => (wanted.div_ceil(PAGE)).next_power_of_two() * PAGE,
    };
    (SKB + head + paged.next_multiple_of(PAGE)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_those_that_were_measured() {
        let stream = |len| Computed.stream(len);
        assert_eq!([stream(1), stream(192), stream(193)], [768, 768, 1280]);
        assert_eq!([stream(705), stream(1729)], [2304, 4352]);
        assert_eq!([stream(3776), stream(3777)], [4352, 4864]);
        assert_eq!([Computed.packet(3776), Computed.packet(3777)], [4352, 8448]);
    }
}
