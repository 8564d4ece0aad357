/// What a mail says, before it becomes text and HTML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub subject: String,
    pub parts: Vec<Part>,
    /// Why the receiver gets the mail, in small letters at its end.
    pub reason: String,
}

/// A part of a mail. Values are text and not HTML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Text(String),
    /// A link that looks like a button. The address also stands below it, for programs that show no links.
    Button {
        label: &'static str,
        url: String,
    },
}

impl Letter {
    pub fn new(subject: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { subject: subject.into(), parts: Vec::new(), reason: reason.into() }
    }

    /// Adds a paragraph.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.parts.push(Part::Text(text.into()));
        self
    }

    /// Adds a button.
    pub fn button(mut self, label: &'static str, url: impl Into<String>) -> Self {
        self.parts.push(Part::Button { label, url: url.into() });
        self
    }

    /// Returns the text part.
    pub fn to_text(&self, site_url: &str) -> String {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(paragraph) => text += paragraph,
                Part::Button { label, url } => text += &format!("{label}:\n{url}"),
            }
            text += "\n\n";
        }
        // Mail programs take what follows this line for a signature.
        format!("{text}-- \n{}\n{site_url}\n", self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_html_say_the_same() {
        let url = "https://shop.example/verify/abc?a=1&b=<2>";
        let letter = Letter::new("Confirm <you>", "Somebody typed \"you\".")
            .text("Hello & welcome <b>you</b>.")
            .button("Confirm address", url);
        let text = letter.to_text("https://shop.example");
        assert_eq!(
            text,
            format!(
                "Hello & welcome <b>you</b>.\n\nConfirm address:\n{url}\n\n-- \nSomebody typed \"you\".\nhttps://shop.example\n"
            )
        );
        let html = letter.to_html("https://shop.example");
        for part in [
            "Hello &amp; welcome &lt;b&gt;you&lt;/b&gt;.",
            "Confirm address",
            "href=\"https://shop.example/verify/abc?a=1&amp;b=&lt;2&gt;\"",
            "Somebody typed &quot;you&quot;.",
            "<title>Confirm &lt;you&gt;</title>",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
        let html_of = |text: &str| Letter::new("a", "b").text(text).to_html("https://shop.example");
        let link = "<a class=\"ink\" href=\"https://shop.example/forgot?a&amp;b\"";
        assert!(html_of("Set a new one: https://shop.example/forgot?a&b").contains(link));
        assert!(!html_of("Write to javascript:alert(1)").contains("href=\"javascript"));
        assert!(!html.contains("<img") && !html.contains("http://") && !html.contains("<script"), "{html}");
    }
}
