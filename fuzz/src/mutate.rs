//! Changes to inputs that leave something to read: whole lines are moved, and signs are put in.
//!
//! Single bytes that change, as libFuzzer does it, mostly make texts that nothing reads further than
//! to there.

use libfuzzer_sys::fuzzer_mutate;

/// What means something to YAML, to TOML, and to us.
const SIGNS: &[&str] = &[
    "- ",
    "\"",
    "'",
    "[",
    "]",
    "{",
    "}",
    "{}",
    "[]",
    " # ",
    "# ",
    ": ",
    ":",
    " |\n",
    " |-\n",
    " |+\n",
    " >2\n",
    "\t",
    "&x ",
    "!t ",
    "!!str ",
    "*x",
    "<<: *x",
    ", ",
    "? ",
    "\\",
    "\\u0041",
    "é",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "\r",
    "\r\n",
    "\n",
    "\n\n",
    "---\n",
    "...\n",
    "--- ",
    "%YAML 1.2\n",
    "~",
    "null",
    "true",
    "no",
    "0x1f",
    "0o17",
    "017",
    "1e3",
    ".inf",
    "-1",
    "= ",
    "'''",
    "\"\"\"",
    ".",
    "[[",
    "]]",
    "items:\n",
    "items: []\n",
    "- kind: A\n",
    "kind: ",
    "metadata:\n",
    "name: ",
    "namespace: ",
    "spec:\n",
    "data:\n",
    "config.toml: ",
    "apiVersion: ",
    "functionConfig: ",
    "results:\n",
    "results: []\n",
    "enabled: false\n",
    "replicas: 3\n",
    "replicas: Shard\n",
    "exposure:\n",
    "type: ",
    "advertiseAddress: ",
    "[session_server]\n",
    "session_server = {}\n",
    "listen_address = ",
    "advertise_address = ",
    "session_timeout = ",
    "session_server.",
    "[[runners]]\n",
];

/// A mutator for inputs of [`crate::tape`], as `fuzz_mutator!` takes it.
pub fn lines(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut random = Random(u64::from(seed) | 1 << 40);
    if random.below(2) == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let (input, _) = data.split_at(size);
    let end = input.iter().position(|byte| *byte == 0).unwrap_or(size);
    let (text, choices) = input.split_at(end);
    let Ok(text) = std::str::from_utf8(text) else {
        return fuzzer_mutate(data, size, max_size);
    };
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    for _ in 0..=random.below(4) {
        change(&mut lines, &mut random);
    }
    let mut output = lines.concat().into_bytes();
    output.extend_from_slice(choices);
    output.truncate(max_size);
    data[..output.len()].copy_from_slice(&output);
    output.len()
}

fn change(lines: &mut Vec<String>, random: &mut Random) {
    if lines.is_empty() {
        lines.push(random.sign().to_owned());
        return;
    }
    let (from, to) = (random.below(lines.len()), random.below(lines.len()));
    match random.below(12) {
        0 => {
            lines.remove(from);
        }
        1 => {
            let line = lines.remove(from);
            lines.insert(to.min(lines.len()), line);
        }
        2 => lines.insert(to, lines[from].clone()),
        // A block of lines, elsewhere and at another depth.
        3 => {
            let end = (from + 1 + random.below(8)).min(lines.len());
            let pad = " ".repeat(random.below(5));
            let block: Vec<_> = lines[from..end]
                .iter()
                .map(|line| format!("{pad}{line}"))
                .collect();
            lines.splice(to..to, block);
        }
        4 => {
            let end = (from + 1 + random.below(8)).min(lines.len());
            lines.drain(from..end);
        }
        5 => {
            let pad = " ".repeat(1 + random.below(4));
            let end = (from + 1 + random.below(4)).min(lines.len());
            for line in &mut lines[from..end] {
                line.insert_str(0, &pad);
            }
        }
        6 => {
            let most = 1 + random.below(4);
            let end = (from + 1 + random.below(4)).min(lines.len());
            for line in &mut lines[from..end] {
                let blanks = line.len() - line.trim_start_matches(' ').len();
                line.drain(..blanks.min(most));
            }
        }
        7 => lines[from] = lines[from].replacen(": ", ":\n", 1),
        8 => {
            let crlf = lines[from].ends_with("\r\n");
            for line in lines {
                let text = line.trim_end_matches(['\r', '\n']);
                if text.len() < line.len() {
                    *line = format!("{text}{}", if crlf { "\n" } else { "\r\n" });
                }
            }
        }
        9 => {
            let line = lines[from].trim_end_matches(['\r', '\n']).len();
            lines[from].truncate(line);
        }
        _ => {
            let place = random.below(lines[from].len() + 1);
            let place = (0..=place)
                .rev()
                .find(|at| lines[from].is_char_boundary(*at));
            lines[from].insert_str(place.unwrap_or(0), random.sign());
        }
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) as usize % limit
    }

    fn sign(&mut self) -> &'static str {
        SIGNS[self.below(SIGNS.len())]
    }
}
