/// Declares an enum whose variants are each written as one fixed text.
///
/// The list of variants stands once; the macro makes `ALL` (in the order of the list), `as_str` and `from_word` from it:
///
/// ```ignore
/// word_enum! {
///     pub enum Size {
///         Small = "small",
///         Large = "large",
///     }
/// }
/// assert_eq!(Size::ALL, [Size::Small, Size::Large]);
/// assert_eq!(Size::Large.as_str(), "large");
/// assert_eq!(Size::from_word("large"), Some(Size::Large));
/// ```
macro_rules! word_enum {
    ($(#[$attribute:meta])* $visibility:vis enum $name:ident {
        $($(#[$variant_attribute:meta])* $variant:ident = $word:literal,)+
    }) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $visibility enum $name {
            $($(#[$variant_attribute])* $variant,)+
        }

        #[allow(dead_code, reason = "not every enum needs all three")]
        impl $name {
            /// All variants, in the order of their declaration.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// The variant's fixed text.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// The variant with exactly this text.
            pub fn from_word(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

pub(crate) use word_enum;
