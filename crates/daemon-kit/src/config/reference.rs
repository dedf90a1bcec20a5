//! All settings, for who has the programs and not their source.

/// A configuration with every setting and what it does: the example in this module's own documentation.
pub fn reference() -> String {
    let head = include_str!("mod.rs").lines().map_while(|line| line.strip_prefix("//!"));
    let lines = head.map(|line| line.strip_prefix(' ').unwrap_or(line));
    let example = lines.skip_while(|line| *line != "```toml").skip(1).take_while(|line| *line != "```");
    example.fold(String::new(), |text, line| text + line + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_is_in_it_and_it_is_toml() {
        let text = reference();
        let table: toml::Table = text.parse().unwrap();
        for section in ["store", "accounts", "limits", "listener", "forwarding", "virus_check"] {
            assert!(table.contains_key(section), "{section}: {text}");
        }
    }
}
