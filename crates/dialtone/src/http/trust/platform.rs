//! On what kind of device somebody reads the page.

/// Kinds of devices that differ in how they are told to trust an authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// iPhones and iPads.
    Ios,
    /// Android.
    Android,
    /// Windows.
    Windows,
    /// macOS; also iPads, which call themselves so.
    Mac,
    /// Linux and everything like it.
    Linux,
}

impl Platform {
    /// Every kind, in the order of the page.
    pub const ALL: [Platform; 5] = [
        Platform::Ios,
        Platform::Android,
        Platform::Windows,
        Platform::Mac,
        Platform::Linux,
    ];

    /// What a browser says of itself. It only decides what is shown first.
    pub fn of_agent(agent: &str) -> Option<Platform> {
        let is = |word: &str| agent.contains(word);
        // Most name several: the more special one counts.
        if is("iPhone") || is("iPad") || is("iPod") {
            Some(Platform::Ios)
        } else if is("Android") {
            Some(Platform::Android)
        } else if is("Windows") {
            Some(Platform::Windows)
        } else if is("Macintosh") {
            Some(Platform::Mac)
        } else if is("Linux") || is("X11") || is("CrOS") {
            Some(Platform::Linux)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_known_by_what_they_say() {
        for (agent, expected) in [
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15",
                Some(Platform::Ios),
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile",
                Some(Platform::Android),
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0",
                Some(Platform::Windows),
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Safari",
                Some(Platform::Mac),
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                Some(Platform::Linux),
            ),
            ("curl/8.0", None),
            ("", None),
        ] {
            assert_eq!(Platform::of_agent(agent), expected, "{agent}");
        }
    }
}
