//! The script's text.

/// A line of a script, with its number.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) number: usize,
    pub(crate) item: Item,
}

#[derive(Debug)]
pub(crate) enum Item {
    Body(Vec<u8>),
    Client(Vec<u8>),
    Close,
    Event { text: String, answer: Option<String> },
    Server(Vec<u8>),
    Tls,
}

/// A script, read.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) options: Vec<(String, String)>,
    pub(crate) lines: Vec<Line>,
}

impl Script {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut script = Self { options: Vec::new(), lines: Vec::new() };
        for (at, line) in text.lines().enumerate() {
            let number = at + 1;
            script.line(number, line).map_err(|why| format!("line {number}: {why}: {line}"))?;
        }
        Ok(script)
    }

    fn line(&mut self, number: usize, line: &str) -> Result<(), String> {
        if line.trim().is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let (mark, rest) = line.split_at_checked(2).ok_or("too short")?;
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        let item = match mark {
            "! " => {
                let (name, value) = rest.split_once(' ').unwrap_or((rest, ""));
                self.options.push((name.into(), value.into()));
                return Ok(());
            }
            "C:" | "C>" => Item::Client(octets(mark, rest)?),
            "S:" | "S>" => Item::Server(octets(mark, rest)?),
            "B:" | "B>" => Item::Body(octets(mark, rest)?),
            "E:" => {
                let (text, answer) = match rest.split_once(" => ") {
                    Some((text, answer)) => (text, Some(answer.to_owned())),
                    None => (rest, None),
                };
                Item::Event { text: text.trim().into(), answer }
            }
            "~ " => match rest.trim() {
                "close" => Item::Close,
                "tls" => Item::Tls,
                other => return Err(format!("no such turn: {other}")),
            },
            _ => return Err("it starts with none of C: C> S: S> B: B> E: ! ~ #".into()),
        };
        self.lines.push(Line { number, item });
        Ok(())
    }
}

/// What a C, S or B line stands for; a mark with a colon adds CRLF.
fn octets(mark: &str, text: &str) -> Result<Vec<u8>, String> {
    let mut octets = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (plain, escape) = rest.split_at(at);
        octets.extend(plain.bytes());
        rest = escaped(escape, &mut octets).ok_or("an escape that is none")?;
    }
    octets.extend(rest.bytes());
    if mark.ends_with(':') {
        octets.extend(b"\r\n");
    }
    Ok(octets)
}

/// Reads one escape from the front of `text`; returns what stands behind it.
fn escaped<'t>(text: &'t str, octets: &mut Vec<u8>) -> Option<&'t str> {
    let simple = [("\\r", b'\r'), ("\\n", b'\n'), ("\\t", b'\t'), ("\\\\", b'\\')];
    for (escape, octet) in simple {
        if let Some(rest) = text.strip_prefix(escape) {
            octets.push(octet);
            return Some(rest);
        }
    }
    if let Some(hex) = text.strip_prefix("\\x") {
        let (digits, rest) = hex.split_at_checked(2)?;
        octets.push(u8::from_str_radix(digits, 16).ok()?);
        return Some(rest);
    }
    let (inside, rest) = text.strip_prefix("\\[")?.split_once(']')?;
    let (times, what) = inside.split_once(' ')?;
    octets.extend(what.repeat(times.parse().ok()?).bytes());
    Some(rest)
}

/// Octets as the scripts write them, a line each.
pub(crate) fn show(mark: char, octets: &[u8]) -> String {
    let mut shown = String::new();
    for line in octets.split_inclusive(|&octet| octet == b'\n') {
        let (kind, text) = line.strip_suffix(b"\r\n").map_or(('>', line), |text| (':', text));
        shown += &format!("{mark}{kind} {}\n", text.escape_ascii());
    }
    shown
}
