//! Enum macro for fixed spellings in the database, the API and forms.

/// Defines an enum with one spelling per variant; `| "old"` after it adds a spelling that is read but never written.
macro_rules! string_enum {
    ($(#[$doc:meta])* $name:ident, $field:literal, {
        $($(#[$vdoc:meta])* $variant:ident = $text:literal $(| $alias:literal)*),* $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $(#[serde(alias = $alias)])* $variant),* }

        impl $name {
            /// All variants, in order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Returns the spelling used in the database, the API and forms.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = Invalid;
            fn from_str(text: &str) -> Result<Self, Invalid> {
                match text {
                    $($text $(| $alias)* => Ok(Self::$variant),)*
                    _ => {
                        let allowed: Vec<_> = Self::ALL.iter().map(|variant| variant.as_str()).collect();
                        Err(Invalid::new($field, format!("must be one of {}", allowed.join(", "))))
                    }
                }
            }
        }
    };
}
pub(crate) use string_enum;
