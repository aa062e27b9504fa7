//! Computes the differences between two texts: first by lines, then by the characters of lines that
//! differ.

use std::ops::Range;

/// More pairs of lines than this are not compared, but treated as one difference.
const MOST_PAIRS: usize = 1_000_000;

/// The ranges that differ, in order: in the old text, and in the new one. The text between them is
/// the same. `None` for an invalid range, which should not occur.
pub(super) fn hunks(old: &str, new: &str) -> Option<Vec<(Range<usize>, Range<usize>)>> {
    let old_lines: Vec<&str> = old.split_inclusive('\n').collect();
    let new_lines: Vec<&str> = new.split_inclusive('\n').collect();
    let head = same(old_lines.iter(), new_lines.iter());
    let most = old_lines.len().min(new_lines.len()) - head;
    let tail = same(old_lines.iter().rev(), new_lines.iter().rev()).min(most);
    let a = old_lines.get(head..old_lines.len() - tail)?;
    let b = new_lines.get(head..new_lines.len() - tail)?;
    let start = old_lines.iter().take(head).map(|line| line.len()).sum();
    let at = Offsets {
        old: start,
        new: start,
    };
    let mut hunks: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    for (at, a, b) in stretches(at, a, b, str::eq)? {
        for (at, a, b) in stretches(at, a, b, same_key)? {
            let length = |lines: &[&str]| -> usize { lines.iter().map(|line| line.len()).sum() };
            let hunk = trimmed(
                old,
                new,
                at.old..at.old + length(a),
                at.new..at.new + length(b),
            )?;
            if hunk.0.is_empty() && hunk.1.is_empty() {
                continue;
            }
            match hunks.last_mut() {
                Some((old, new)) if old.end == hunk.0.start && new.end == hunk.1.start => {
                    (old.end, new.end) = (hunk.0.end, hunk.1.end);
                }
                _ => hunks.push(hunk),
            }
        }
    }
    Some(hunks)
}

/// A position in each of the two texts.
#[derive(Clone, Copy)]
struct Offsets {
    old: usize,
    new: usize,
}

/// Corresponding lines of both texts, and where they begin.
type Stretch<'l, 't> = (Offsets, &'l [&'t str], &'l [&'t str]);

/// The paired lines, and the lines between them.
fn stretches<'l, 't>(
    mut at: Offsets,
    a: &'l [&'t str],
    b: &'l [&'t str],
    is_pair: fn(&str, &str) -> bool,
) -> Option<Vec<Stretch<'l, 't>>> {
    let mut stretches = Vec::new();
    let (mut i, mut j) = (0, 0);
    let mut push = |a: &'l [&'t str], b: &'l [&'t str]| {
        stretches.push((at, a, b));
        at.old += a.iter().map(|line| line.len()).sum::<usize>();
        at.new += b.iter().map(|line| line.len()).sum::<usize>();
    };
    for (to_i, to_j) in pairs(a, b, is_pair) {
        push(a.get(i..to_i)?, b.get(j..to_j)?);
        push(a.get(to_i..=to_i)?, b.get(to_j..=to_j)?);
        (i, j) = (to_i + 1, to_j + 1);
    }
    push(a.get(i..)?, b.get(j..)?);
    Some(stretches)
}

/// True for two lines with the same key.
fn same_key(a: &str, b: &str) -> bool {
    match (a.split_once('='), b.split_once('=')) {
        (Some((a, _)), Some((b, _))) => a == b,
        _ => a == b,
    }
}

/// The common lines of two texts, by their positions, in order.
pub(super) fn pairs(
    a: &[&str],
    b: &[&str],
    is_pair: fn(&str, &str) -> bool,
) -> Vec<(usize, usize)> {
    let Some(lengths) = common(a, b, is_pair) else {
        return Vec::new();
    };
    let width = b.len() + 1;
    let mut pairs = Vec::new();
    let (mut i, mut j) = (0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        if is_pair(x, y) {
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

/// For the positions of two lines, the number of common lines from there on. `None` if the
/// computation would take too long.
fn common(a: &[&str], b: &[&str], is_pair: fn(&str, &str) -> bool) -> Option<Vec<u32>> {
    if a.len().checked_mul(b.len())? > MOST_PAIRS {
        return None;
    }
    let width = b.len() + 1;
    let mut lengths = vec![0_u32; (a.len() + 1) * width];
    for (i, x) in a.iter().enumerate().rev() {
        for (j, y) in b.iter().enumerate().rev() {
            let length = if is_pair(x, y) {
                lengths.get((i + 1) * width + j + 1)? + 1
            } else {
                *lengths
                    .get((i + 1) * width + j)?
                    .max(lengths.get(i * width + j + 1)?)
            };
            *lengths.get_mut(i * width + j)? = length;
        }
    }
    Some(lengths)
}

/// A difference, reduced by the common characters at its beginning and its end.
fn trimmed(
    old: &str,
    new: &str,
    old_range: Range<usize>,
    new_range: Range<usize>,
) -> Option<(Range<usize>, Range<usize>)> {
    let a = old.get(old_range.clone())?;
    let b = new.get(new_range.clone())?;
    let width = |count: usize, chars: &mut dyn Iterator<Item = char>| -> usize {
        chars.take(count).map(char::len_utf8).sum()
    };
    let head = width(same(a.chars(), b.chars()), &mut a.chars());
    let (rest_a, rest_b) = (a.get(head..)?, b.get(head..)?);
    let count = same(rest_a.chars().rev(), rest_b.chars().rev());
    let tail = width(count, &mut rest_a.chars().rev());
    Some((
        old_range.start + head..old_range.end - tail,
        new_range.start + head..new_range.end - tail,
    ))
}

/// The length of the common beginning of two sequences.
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
                    .unwrap()
                    .into_iter()
                    .map(|(a, b)| (&old[a], &new[b]))
                    .map(|(a, b)| if is_back { (b, a) } else { (a, b) })
                    .collect();
                assert_eq!(found, expected);
            }
        }
    }
}
