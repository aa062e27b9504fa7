//! Computes the layout of the drawing.

use super::{
    BELOW, BETWEEN_NOTES, BETWEEN_PATHS, BOLD, BOX, DETAIL, DETAIL_LINE, GAP, HEADING, INSET,
    LABEL, LEAST_HEIGHT, LINE, MARGIN, MOST_LINES, NAME, NAME_LINE, NOTE, WIDEST_NOTE,
};
use crate::diagram::{Diagram, State, Stop, TerminalPath, width};

/// The positions of everything.
pub(super) struct Layout {
    pub(super) gap: f64,
    pub(super) width: f64,
    pub(super) rows: Vec<Row>,
    pub(super) height: f64,
}

/// The position of a path.
pub(super) struct Row {
    pub(super) top: f64,
    pub(super) height: f64,
    pub(super) boxes: Vec<Content>,
    pub(super) notes: Vec<Note>,
}

/// The contents of a stop's box.
pub(super) struct Content {
    pub(super) name: Vec<String>,
    pub(super) detail: Vec<String>,
}

impl Content {
    pub(super) fn of(stop: &Stop) -> Self {
        let room = BOX - 2.0 * INSET;
        // Bold letters are wider.
        let name = if stop.name.is_empty() {
            width::name_lines(&stop.title, NAME * BOLD, room, 1)
        } else {
            width::name_lines(&stop.name, NAME * BOLD, room, 2)
        };
        let mut detail = Vec::new();
        if !stop.detail.is_empty() {
            detail = width::name_lines(&stop.detail, DETAIL, room, 2);
        }
        if is_said_inside(stop) {
            detail.extend(width::lines(&stop.explanation, DETAIL, room, 3));
        }
        Self { name, detail }
    }

    pub(super) fn height(&self) -> f64 {
        let lines = NAME_LINE * self.name.len() as f64 + DETAIL_LINE * self.detail.len() as f64;
        (lines + 72.0).max(LEAST_HEIGHT)
    }
}

/// True for a stop whose explanation is inside its box: an off session server is not a problem, and
/// has no note.
pub(super) fn is_said_inside(stop: &Stop) -> bool {
    stop.state == State::Off
}

/// The note below a stop.
pub(super) struct Note {
    pub(super) stop: usize,
    pub(super) left: f64,
    pub(super) width: f64,
    /// The top of its text, and that of its box.
    pub(super) top: f64,
    pub(super) height: f64,
    pub(super) lines: Vec<String>,
}

impl Layout {
    pub(super) fn of(diagram: &Diagram) -> Self {
        let links = diagram.paths.iter().flat_map(|path| &path.links);
        let labels = links.flat_map(|link| link.split(", "));
        let widest = labels
            .map(|label| width::of(label, LABEL))
            .fold(0.0, f64::max);
        let gap = (widest + 16.0).clamp(GAP, 140.0).ceil();
        let most = diagram.paths.iter().map(|path| path.stops.len()).max();
        let most = most.unwrap_or(4);
        let mut layout = Self {
            gap,
            width: 2.0 * MARGIN + left(most, gap) - gap - MARGIN,
            rows: Vec::new(),
            height: MARGIN,
        };
        for path in &diagram.paths {
            let top = layout.height;
            let boxes: Vec<Content> = path.stops.iter().map(Content::of).collect();
            let height = boxes.iter().map(Content::height).fold(0.0, f64::max);
            let notes = layout.notes(path, top + HEADING + height + BELOW);
            let below = notes.iter().map(|note| note.height).fold(0.0, f64::max);
            let below = if notes.is_empty() { 0.0 } else { BELOW + below };
            layout.height = top + HEADING + height + below + BETWEEN_PATHS;
            layout.rows.push(Row {
                top,
                height,
                boxes,
                notes,
            });
        }
        layout.height += MARGIN - BETWEEN_PATHS;
        layout
    }

    pub(super) fn left(&self, stop: usize) -> f64 {
        left(stop, self.gap)
    }

    pub(super) fn middle(&self, stop: usize) -> f64 {
        self.left(stop) + BOX / 2.0
    }

    /// The notes of a path, side by side, each below its stop. Two notes share the space between
    /// them.
    pub(super) fn notes(&self, path: &TerminalPath, top: f64) -> Vec<Note> {
        let stops = path.stops.iter().enumerate();
        let told: Vec<(usize, &Stop)> = stops
            .filter(|(_, stop)| !stop.explanation.is_empty() && !is_said_inside(stop))
            .collect();
        let edges = |place: usize, own: f64| {
            let middle_of = |place: usize| told.get(place).map(|(stop, _)| self.middle(*stop));
            let before = place.checked_sub(1).and_then(middle_of);
            let left = before.map_or(MARGIN, |before| (before + own + BETWEEN_NOTES) / 2.0);
            let right = middle_of(place + 1).map_or(self.width - MARGIN, |after| {
                (own + after - BETWEEN_NOTES) / 2.0
            });
            (left, right)
        };
        let note = |(place, (stop, told)): (usize, &(usize, &Stop))| {
            let middle = self.middle(*stop);
            let (left, right) = edges(place, middle);
            let most = (right - left).min(WIDEST_NOTE);
            let left = (middle - most / 2.0).clamp(left, right - most);
            let lines = width::lines(&told.explanation, NOTE, most - 2.0 * INSET, MOST_LINES);
            let widest = lines.iter().map(|line| width::of(line, NOTE));
            let heading = width::of(&heading(told), NOTE) * BOLD;
            let widest = widest.fold(heading, f64::max) + 2.0 * INSET;
            // A short text does not need a wide box, and the pointer stays above it.
            let width = widest.min(most).max(BOX.min(most));
            let left = (middle - width / 2.0).clamp(left, left + most - width);
            Note {
                stop: *stop,
                left,
                width,
                top,
                height: 16.0 + LINE * (lines.len() as f64 + 1.0),
                lines,
            }
        };
        told.iter().enumerate().map(note).collect()
    }
}

pub(super) fn left(stop: usize, gap: f64) -> f64 {
    MARGIN + stop as f64 * (BOX + gap)
}

pub(super) fn heading(stop: &Stop) -> String {
    format!("{}: {}", stop.title, stop.state.word())
}
