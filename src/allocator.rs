//! The allocator: when the system gets free memory back.

use std::ffi::c_long;

use libmimalloc_sys::{mi_option_get, mi_option_set, mi_option_t};

/// mimalloc's option `mi_option_arena_purge_mult`, which the crate does not name. Large free blocks go back to the system after this
/// many times 10 ms.
const PURGE_LARGE: mi_option_t = 24;
/// The option's value in mimalloc 2. The wait ends with the next large block, so what the hashes of passwords took, 19 MiB each,
/// would stay for as long as nobody signs in.
const DEFAULT: c_long = 10;

/// Makes mimalloc give large free blocks back at once. Another value of `MIMALLOC_ARENA_PURGE_MULT` stays.
pub fn return_large_blocks() {
    if purge_large() == DEFAULT {
        // SAFETY: the function writes one number, which the allocator reads when a block is freed.
        #[expect(unsafe_code, reason = "mimalloc is written in C")]
        unsafe {
            mi_option_set(PURGE_LARGE, 0);
        }
    }
}

fn purge_large() -> c_long {
    // SAFETY: the function reads one number.
    #[expect(unsafe_code, reason = "mimalloc is written in C")]
    unsafe {
        mi_option_get(PURGE_LARGE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_is_the_one_that_is_meant() {
        // If this fails after an update: look up the option's number and default in mimalloc.h and options.c.
        assert_eq!(purge_large(), DEFAULT);
        return_large_blocks();
        assert_eq!(purge_large(), 0);
    }
}
