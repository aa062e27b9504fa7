//! Where two texts differ: whole lines first, and then the characters of the lines that differ.

use std::ops::Range;

/// More pairs of lines than this are not compared: they are one difference.
const MOST_PAIRS: usize = 1_000_000;

/// The ranges that differ, in order: of the old text, and of the new one. What is between them is
/// the same in both.
pub(super) fn hunks(old: &str, new: &str) -> Vec<(Range<usize>, Range<usize>)> {
    let old_lines: Vec<&str> = old.split_inclusive('\n').collect();
    let new_lines: Vec<&str> = new.split_inclusive('\n').collect();
    let head = same(old_lines.iter(), new_lines.iter());
    let most = old_lines.len().min(new_lines.len()) - head;
    let tail = same(old_lines.iter().rev(), new_lines.iter().rev()).min(most);
    let a = old_lines
        .get(head..old_lines.len() - tail)
        .unwrap_or_default();
    let b = new_lines
        .get(head..new_lines.len() - tail)
        .unwrap_or_default();
    let start = old_lines.iter().take(head).map(|line| line.len()).sum();
    let length = |lines: &[&str], range: Range<usize>| -> usize {
        let lines = lines.get(range).unwrap_or_default();
        lines.iter().map(|line| line.len()).sum()
    };
    let mut hunks = Vec::new();
    let (mut old_at, mut new_at): (usize, usize) = (start, start);
    let (mut i, mut j) = (0, 0);
    let ends = pairs(a, b).into_iter().chain([(a.len(), b.len())]);
    for (to_i, to_j) in ends {
        let old_end = old_at + length(a, i..to_i);
        let new_end = new_at + length(b, j..to_j);
        let hunk = trimmed(old, new, old_at..old_end, new_at..new_end);
        if !hunk.0.is_empty() || !hunk.1.is_empty() {
            hunks.push(hunk);
        }
        // Behind the line that both have.
        let common = a.get(to_i).map_or(0, |line| line.len());
        (old_at, new_at) = (old_end + common, new_end + common);
        (i, j) = (to_i + 1, to_j + 1);
    }
    hunks
}

/// The lines that two texts have in common, by their places, in order.
pub(super) fn pairs(a: &[&str], b: &[&str]) -> Vec<(usize, usize)> {
    let Some(lengths) = common(a, b) else {
        return Vec::new();
    };
    let width = b.len() + 1;
    let mut pairs = Vec::new();
    let (mut i, mut j) = (0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        if x == y {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if lengths.get((i + 1) * width + j) >= lengths.get(i * width + j + 1) {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

/// By the places of two lines, how many lines are common from there on. `None` where that is too
/// much to find out.
fn common(a: &[&str], b: &[&str]) -> Option<Vec<u32>> {
    if a.len().checked_mul(b.len())? > MOST_PAIRS {
        return None;
    }
    let width = b.len() + 1;
    let mut lengths = vec![0_u32; (a.len() + 1) * width];
    for (i, x) in a.iter().enumerate().rev() {
        for (j, y) in b.iter().enumerate().rev() {
            let get = |at: usize| lengths.get(at).copied().unwrap_or_default();
            let length = if x == y {
                get((i + 1) * width + j + 1) + 1
            } else {
                get((i + 1) * width + j).max(get(i * width + j + 1))
            };
            if let Some(place) = lengths.get_mut(i * width + j) {
                *place = length;
            }
        }
    }
    Some(lengths)
}

/// A difference without the characters that are the same at its beginning and its end.
fn trimmed(
    old: &str,
    new: &str,
    old_range: Range<usize>,
    new_range: Range<usize>,
) -> (Range<usize>, Range<usize>) {
    let a = old.get(old_range.clone()).unwrap_or_default();
    let b = new.get(new_range.clone()).unwrap_or_default();
    let width = |count: usize, chars: &mut dyn Iterator<Item = char>| -> usize {
        chars.take(count).map(char::len_utf8).sum()
    };
    let head = width(same(a.chars(), b.chars()), &mut a.chars());
    let (rest_a, rest_b) = (
        a.get(head..).unwrap_or_default(),
        b.get(head..).unwrap_or_default(),
    );
    let count = same(rest_a.chars().rev(), rest_b.chars().rev());
    let tail = width(count, &mut rest_a.chars().rev());
    (
        old_range.start + head..old_range.end - tail,
        new_range.start + head..new_range.end - tail,
    )
}

/// How many members two sequences have in common at their beginning.
fn same<T: PartialEq>(a: impl Iterator<Item = T>, b: impl Iterator<Item = T>) -> usize {
    a.zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::hunks;

    #[test]
    fn finds_what_differs() {
        for (old, new, expected) in [
            ("a\nb\n", "a\nb\n", vec![]),
            ("a\nb\n", "a\nb\n\nc\n", vec![("", "\nc\n")]),
            (
                "a\nb = 1\nc\nd = 2\n",
                "a\nb = 3\nc\nd = 4\n",
                vec![("1", "3"), ("2", "4")],
            ),
            ("a", "a\nb", vec![("", "\nb")]),
            ("", "a\n", vec![("", "a\n")]),
        ] {
            for (old, new, is_back) in [(old, new, false), (new, old, true)] {
                let found: Vec<(&str, &str)> = hunks(old, new)
                    .into_iter()
                    .map(|(a, b)| (&old[a], &new[b]))
                    .map(|(a, b)| if is_back { (b, a) } else { (a, b) })
                    .collect();
                assert_eq!(found, expected);
            }
        }
    }
}
