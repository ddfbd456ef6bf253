//! The `settings!` macro, which generates the configuration structs, their manual and the code that reads them.

/// Section of the configuration file; the first has no name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Section {
    pub(super) name: Option<&'static str>,
    pub(super) doc: &'static [&'static str],
    pub(super) entries: &'static [Entry],
}

/// One setting: its dotted key, its description, and its default or an example as TOML.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(super) key: &'static str,
    pub(super) doc: &'static [&'static str],
    /// Whether `text` is the default; otherwise the setting has no default and `text` is an example.
    pub(super) set: bool,
    pub(super) text: &'static str,
}

impl Entry {
    /// Returns the environment variable that overrides this setting: `CASTELLAN_TLS_KEY` for `tls.key`.
    pub(super) fn variable(&self) -> String {
        format!("CASTELLAN_{}", self.key.replace('.', "_").to_uppercase())
    }
}

/// Returns the complete configuration file: every setting with its description; settings without a default are commented out.
pub(super) fn print(sections: &[Section]) -> String {
    let mut out = String::from(
        "# Castellan configuration: every setting with its default.\n\
         # The environment variable in brackets overrides the value in this file.\n\
         #\n\
         # Two secrets can be set only in the environment: CASTELLAN_ENCRYPTION_KEY (master key, 64 hexadecimal digits)\n\
         # replaces the file secrets/master.key in data_dir, and CASTELLAN_SESSION_SECRET (128 hexadecimal digits)\n\
         # replaces secrets/sessions.key. Both, and CASTELLAN_DATABASE_URL, are removed from the environment at startup.\n",
    );
    for section in sections {
        if let Some(name) = section.name {
            out.push_str(&format!("\n[{name}]\n"));
        }
        for line in section.doc {
            out.push_str(&format!("#{line}\n"));
        }
        for entry in section.entries {
            out.push('\n');
            for line in entry.doc {
                out.push_str(&format!("#{line}\n"));
            }
            let name = entry.key.rsplit('.').next().unwrap_or(entry.key);
            let mark = if entry.set { "" } else { "# " };
            // The compiler breaks a long example into lines, which TOML does not allow.
            let text = entry.text.split_whitespace().collect::<Vec<_>>().join(" ");
            out.push_str(&format!("# [{}]\n{mark}{name} = {text}\n", entry.variable()));
        }
    }
    out
}

macro_rules! settings {
    (@set default) => { true };
    (@set example) => { false };
    (
        $(#[doc = $head:literal])*
        $Config:ident {
            $( $(#[doc = $doc:literal])* $key:ident: $type:ty = $how:ident $text:tt; )*
        }
        $(
            $(#[doc = $section_doc:literal])*
            [$section:ident] $Section:ident {
                $( $(#[doc = $inner_doc:literal])* $inner:ident: $inner_type:ty = $inner_how:ident $inner_text:tt; )*
            }
        )*
    ) => {
        $(#[doc = $head])*
        #[derive(Debug, Clone)]
        pub struct $Config {
            $( $(#[doc = $doc])* pub $key: $type, )*
            $( $(#[doc = $section_doc])* pub $section: $Section, )*
        }

        $(
            $(#[doc = $section_doc])*
            #[derive(Debug, Clone)]
            pub struct $Section {
                $( $(#[doc = $inner_doc])* pub $inner: $inner_type, )*
            }
        )*

        impl $Config {
            fn read(source: &source::Source) -> Result<Self, ConfigError> {
                Ok(Self {
                    $( $key: source.read(stringify!($key))?, )*
                    $( $section: $Section {
                        $( $inner: source.read(concat!(stringify!($section), ".", stringify!($inner)))?, )*
                    }, )*
                })
            }
        }

        pub(crate) const MANUAL: &[manual::Section] = &[
            manual::Section {
                name: None,
                doc: &[],
                entries: &[ $( manual::Entry {
                    key: stringify!($key),
                    doc: &[$($doc),*],
                    set: settings!(@set $how),
                    text: stringify!($text),
                }, )* ],
            },
            $( manual::Section {
                name: Some(stringify!($section)),
                doc: &[$($section_doc),*],
                entries: &[ $( manual::Entry {
                    key: concat!(stringify!($section), ".", stringify!($inner)),
                    doc: &[$($inner_doc),*],
                    set: settings!(@set $inner_how),
                    text: stringify!($inner_text),
                }, )* ],
            }, )*
        ];
    };
}
