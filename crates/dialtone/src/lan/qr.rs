//! A QR code for a terminal.

use qrcodegen::{QrCode, QrCodeEcc};

/// Modules of white around the code, without which cameras do not find it (ISO/IEC 18004 asks for
/// four; in a terminal two are enough, and it fits beside a prompt).
const QUIET: i32 = 2;

/// A text as a QR code out of half blocks: two modules of it are one character. Black on white by
/// colours of its own, whatever those of the terminal are. `None` if the text is too long for one.
pub fn code(text: &str) -> Option<String> {
    const BLACK_ON_WHITE: &str = "\x1b[30;107m";
    const PLAIN: &str = "\x1b[0m";
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let all = -QUIET..code.size() + QUIET;
    let mut lines = String::new();
    for y in all.clone().step_by(2) {
        let line: String = all
            .clone()
            .map(|x| half_blocks(code.get_module(x, y), code.get_module(x, y + 1)))
            .collect();
        lines += &format!("    {BLACK_ON_WHITE}{line}{PLAIN}\n");
    }
    Some(lines)
}

fn half_blocks(upper: bool, lower: bool) -> char {
    match (upper, lower) {
        (true, true) => '█',
        (true, false) => '▀',
        (false, true) => '▄',
        (false, false) => ' ',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Back from the characters to the modules.
    fn modules(text: &str) -> Vec<Vec<bool>> {
        let mut rows = Vec::new();
        for line in text.lines() {
            let line = line.split("107m").nth(1).unwrap();
            let line = line.strip_suffix("\x1b[0m").unwrap();
            rows.push(line.chars().map(|c| "█▀".contains(c)).collect());
            rows.push(line.chars().map(|c| "█▄".contains(c)).collect());
        }
        rows
    }

    #[test]
    fn every_module_is_where_it_belongs() {
        let text = "http://192.168.178.45:8080/trust";
        let code = QrCode::encode_text(text, QrCodeEcc::Medium).unwrap();
        let modules = modules(&super::code(text).unwrap());
        assert!(modules.len() >= modules[0].len());
        for (y, row) in (-QUIET..).zip(&modules) {
            for (x, module) in (-QUIET..).zip(row) {
                assert_eq!(*module, code.get_module(x, y), "{x}, {y}");
            }
        }
    }

    #[test]
    fn what_is_too_long_has_none() {
        assert_eq!(code(&"x".repeat(3000)), None);
    }
}
