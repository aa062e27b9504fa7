//! Measures the width of text, and truncates or wraps it.
//!
//! The reader's font is not known. Widths are those of a wide one (Verdana, DejaVu Sans), so that
//! text in any other leaves some room and does not overflow.

use super::markup::visible;

/// Replaces the omitted part of a text.
const ELLIPSIS: char = '…';

/// The width of a text in a font of this size.
pub(super) fn of(text: &str, size: f64) -> f64 {
    text.chars().map(em).sum::<f64>() * size
}

fn em(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 0.36,
        ' ' | 'f' | 't' | 'r' | '-' | '(' | ')' | '[' | ']' | '/' => 0.42,
        'm' | 'w' | 'M' | 'W' | '%' | '@' | '…' | '—' => 1.0,
        'A'..='Z' => 0.76,
        ' '..='~' => 0.64,
        // Combining marks.
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200d}' | '\u{fe00}'..='\u{fe0f}' => 0.3,
        '\u{a0}'..='\u{5ff}' => 0.76,
        // Wide scripts and emoji.
        _ => 1.3,
    }
}

/// The text, with its middle omitted if it is wider than `room`.
pub(super) fn fitted(text: &str, size: f64, room: f64) -> String {
    let shown: Vec<char> = text.chars().map(visible).collect();
    let whole: String = shown.iter().collect();
    if of(&whole, size) <= room {
        return whole;
    }
    let mut left = room - em(ELLIPSIS) * size;
    let (mut head, mut tail) = (String::new(), Vec::new());
    let (mut from_start, mut from_end) = (shown.iter(), shown.iter().rev());
    loop {
        let begins = head.chars().count() <= tail.len();
        let next = if begins {
            from_start.next()
        } else {
            from_end.next()
        };
        let Some(c) = next else { break };
        left -= em(*c) * size;
        if left < 0.0 {
            break;
        }
        if begins {
            head.push(*c);
        } else {
            tail.push(*c);
        }
    }
    head.push(ELLIPSIS);
    head.extend(tail.into_iter().rev());
    head
}

/// The text in at most `most` lines that are no wider than `room`.
pub(super) fn lines(text: &str, size: f64, room: f64, most: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines().filter(|line| !line.trim().is_empty()) {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            let word: String = word.chars().map(visible).collect();
            let blank = if line.is_empty() { "" } else { " " };
            if of(&line, size) + of(blank, size) + of(&word, size) <= room {
                line.push_str(blank);
                line.push_str(&word);
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            for c in word.chars() {
                if of(&line, size) + em(c) * size > room {
                    lines.push(std::mem::take(&mut line));
                }
                line.push(c);
            }
            if lines.len() > most {
                break;
            }
        }
        if !line.is_empty() {
            lines.push(line);
        }
    }
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            let mut cut = format!("{last} {ELLIPSIS}");
            while of(&cut, size) > room && last.pop().is_some() {
                cut = format!("{last}{ELLIPSIS}");
            }
            *last = cut;
        }
    }
    lines
}

/// A name in at most `most` lines that are no wider than `room`. It breaks after punctuation, and
/// loses its middle if it is still too long.
pub(super) fn name_lines(name: &str, size: f64, room: f64, most: usize) -> Vec<String> {
    let whole = broken(name, size, room);
    if whole.len() <= most {
        return whole;
    }
    // A line that breaks early holds less than would fit.
    let shorter = fitted(name, size, room * most as f64 * 0.8);
    let mut lines = broken(&shorter, size, room);
    if lines.len() > most {
        lines = self::lines(&shorter.replace(' ', "\u{a0}"), size, room, most);
    }
    lines
}

fn broken(name: &str, size: f64, room: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let shown: String = name.chars().map(visible).collect();
    for piece in shown.split_inclusive(['/', '-', '.', ':', '_', '@', ' ']) {
        let piece = fitted(piece, size, room);
        match lines.last_mut() {
            Some(line) if of(line, size) + of(&piece, size) <= room => line.push_str(&piece),
            _ => lines.push(piece),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_long_name_goes() {
        assert_eq!(fitted("ci/runner", 10.0, 100.0), "ci/runner");
        let fit = fitted("ci/a-runner-of-a-very-long-name", 10.0, 80.0);
        assert!(
            fit.starts_with("ci/a") && fit.ends_with("name") && fit.contains('…'),
            "{fit}"
        );
        for text in ["W".repeat(10_000), "字".repeat(99), "\u{301}".repeat(999)] {
            assert!(of(&fitted(&text, 13.0, 150.0), 13.0) <= 150.0);
        }
    }

    #[test]
    fn a_name_breaks_behind_its_signs() {
        assert_eq!(
            name_lines("ci/runner-session-server", 10.0, 110.0, 2),
            ["ci/runner-session-", "server"]
        );
        for name in ["a-".repeat(5000), "W".repeat(5000), "a ".repeat(500)] {
            let lines = name_lines(&name, 10.0, 100.0, 2);
            assert!(lines.len() <= 2, "{lines:?}");
            assert!(lines.iter().all(|line| of(line, 10.0) <= 100.0));
        }
    }

    #[test]
    fn lines_break_between_words_and_within_long_ones() {
        assert_eq!(lines("one two three", 10.0, 50.0, 9), ["one two", "three"]);
        assert_eq!(lines("a\n\nb", 10.0, 50.0, 9), ["a", "b"]);
        let long = lines(&"x".repeat(10_000), 10.0, 50.0, 4);
        assert_eq!(long.len(), 4);
        assert!(long.iter().all(|line| of(line, 10.0) <= 50.0));
        assert!(long[3].ends_with('…'));
    }
}
