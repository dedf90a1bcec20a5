//! Figures for a Prometheus text-file collector, for what runs by a timer and has no moment at which it could be asked.

use std::fs;
use std::path::Path;

use crate::failure::Failure;

/// One figure: its name, its labels, and how much it is.
pub(crate) type Figure<'f> = (&'static str, Vec<(&'static str, &'f str)>, u64);

/// Writes the file whole or not at all: the collector may read it at any moment.
pub(crate) fn write(file: &Path, figures: &[Figure<'_>]) -> Result<(), Failure> {
    let draft = file.with_extension("draft");
    let written = fs::write(&draft, text(figures)).and_then(|()| fs::rename(&draft, file));
    written.map_err(|error| Failure::Refused(format!("cannot write {}: {error}", file.display())))
}

/// Those of one name follow each other.
fn text(figures: &[Figure<'_>]) -> String {
    let mut text = String::new();
    let mut last = "";
    for (name, labels, value) in figures {
        if *name != last {
            text.push_str(&format!("# TYPE {name} gauge\n"));
            last = name;
        }
        let labels: Vec<_> =
            labels.iter().map(|(label, of)| format!("{label}=\"{}\"", escaped(of))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        text.push_str(&format!("{name}{labels} {value}\n"));
    }
    text
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_a_name_stand_together_and_a_label_cannot_end_early() {
        let figures = [
            ("yubin_users", vec![("what", "pbs")], 2),
            ("yubin_times", vec![("what", "pbs"), ("login", "a\"b\\c\nd")], 3),
            ("yubin_times", Vec::new(), 0),
        ];
        let wanted = "# TYPE yubin_users gauge\nyubin_users{what=\"pbs\"} 2\n# TYPE yubin_times gauge\n\
                      yubin_times{what=\"pbs\",login=\"a\\\"b\\\\c\\nd\"} 3\nyubin_times 0\n";
        assert_eq!(text(&figures), wanted);
    }
}
