use percent_encoding::percent_decode;

/// The longest name, in bytes. A longer name in a query is skipped.
pub const MAX_NAME_BYTES: usize = 64;

/// What an ampersand that was escaped for HTML leaves in front of a name, without the `#` of the last three: `&#038;utm_source=x`.
/// A `#` begins the fragment of an address. So the first such escape in a link leaves the rest of the link at the beginning of the
/// fragment: `?a=1&#038;utm_source=x` → `038;utm_source=x`.
const ESCAPED_AMPERSANDS: [&[u8]; 4] = [b"amp;", b"038;", b"38;", b"x26;"];

/// Returns a parameter's name, form-decoded, in ASCII lower case, and without escaped ampersands in front. Returns `None` if the
/// name is longer than every known name.
pub fn decode_name<'a>(raw: &[u8], buffer: &'a mut [u8; MAX_NAME_BYTES]) -> Option<&'a [u8]> {
    let mut length = 0;
    for byte in percent_decode(raw) {
        // An encoded plus becomes a space too, which changes nothing: no known name has a plus.
        let byte = if byte == b'+' { b' ' } else { byte.to_ascii_lowercase() };
        *buffer.get_mut(length)? = byte;
        length += 1;
        if byte == b';' && begins_escaped(&buffer[..length]) {
            length = 0;
        }
    }
    Some(&buffer[..length])
}

/// Returns whether a name, in any ASCII case, begins with an escaped ampersand. No parameter is read under such a name.
pub fn begins_escaped(name: &[u8]) -> bool {
    let name = name.strip_prefix(b"#").unwrap_or(name);
    ESCAPED_AMPERSANDS
        .iter()
        .any(|escaped| name.get(..escaped.len()).is_some_and(|start| start.eq_ignore_ascii_case(escaped)))
}
