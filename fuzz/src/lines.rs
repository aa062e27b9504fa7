//! Changes to texts that leave something to read: whole lines are moved, and signs are put in. A test
//! takes this in as a file, too.

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

/// Changes a text in one way; one without lines gets a sign.
pub fn change(lines: &mut Vec<String>, random: &mut Random) {
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

/// Random numbers, the same for the same seed.
pub struct Random(u64);

impl Random {
    /// Begins with a seed.
    pub fn new(seed: u32) -> Self {
        Self(u64::from(seed) | 1 << 40)
    }

    /// A number below a limit.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) as usize % limit
    }

    fn sign(&mut self) -> &'static str {
        SIGNS[self.below(SIGNS.len())]
    }
}
