//! HTML helpers that read single values out of a page.

/// Returns the parts of the page from each form that posts to `/actions/{action}` to the end of that form.
pub fn forms<'a>(page: &'a str, action: &str) -> Vec<&'a str> {
    let start = format!("action=\"/actions/{action}\"");
    page.split(&start).skip(1).map(|rest| rest.split_once("</form>").map_or(rest, |(form, _)| form)).collect()
}

/// Returns the value of the first field with this name.
#[track_caller]
pub fn field(html: &str, name: &str) -> String {
    text_between(html, &format!("name=\"{name}\" value=\""), "\"").to_owned()
}

/// Returns the Base32 secret that the page for setting up an authenticator app shows, without spaces.
#[track_caller]
pub fn totp_secret(page: &str) -> String {
    text_between(page, "<p class=\"secret-value\"><code>", "<").split_whitespace().collect()
}

/// Returns the page's `main` element, or an empty text.
pub fn main_element(page: &str) -> &str {
    let rest = page.split_once("<main").map_or("", |(_, rest)| rest);
    rest.split_once("</main>").map_or(rest, |(main, _)| main)
}

/// Returns the text between the first `start` and the `end` that follows it.
#[track_caller]
pub fn text_between<'a>(html: &'a str, start: &str, end: &str) -> &'a str {
    let found = html.split_once(start).and_then(|(_, rest)| rest.split_once(end));
    found.unwrap_or_else(|| panic!("no text between {start} and {end} in {html}")).0
}
