//! What a piece of text is by its looks: a flag, a path, a contraction.

pub(super) fn is_single_capital(word: &str) -> bool {
    word.len() == 1 && word.bytes().all(|byte| byte.is_ascii_uppercase() && byte != b'I')
}

/// Letters that are one name: `U.K.`, `D&D`, `T&C`; and `w/o`, which is one word.
pub(super) fn initials(core: &str) -> Option<String> {
    match core.to_ascii_lowercase().as_str() {
        "w/o" => return Some("without".to_owned()),
        "un-install" => return Some("uninstall".to_owned()),
        "node.js" => return Some("node".to_owned()),
        "u.s" | "u.s.a" => return Some("usa".to_owned()),
        _ => {}
    }
    let letters: Vec<&str> = core.split(['.', '&']).collect();
    let is_letter = |part: &&str| part.len() == 1 && part.bytes().all(|byte| byte.is_ascii_uppercase());
    ((2..=4).contains(&letters.len()) && letters.iter().all(is_letter))
        .then(|| letters.concat().to_lowercase())
}

pub(super) fn is_flag(core: &str) -> bool {
    let body = core.trim_start_matches('-');
    let dashes = core.len() - body.len();
    (1..=2).contains(&dashes)
        && body.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && body.len() < 40
}

/// Paths, addresses, identifiers, expressions.
pub(super) fn is_literal(core: &str) -> bool {
    let has = |letters: &[char]| core.contains(letters);
    if has(&['_', '\\', '{', '}', '[', ']', '^'])
        || core.contains("::")
        || core.contains("->")
        || core.contains("()")
    {
        return true;
    }
    if core.contains("://")
        || (core.contains('@') && core.contains('.'))
        || core.starts_with(['/', '~', '@', '#', '&', '|', '='])
    {
        return core.len() > 1;
    }
    if core.starts_with('$') && core[1..].starts_with(|letter: char| letter.is_ascii_alphabetic()) {
        return true;
    }
    if core.starts_with("./") || core.starts_with("../") || core.matches('/').count() > 1 {
        return true;
    }
    // `config.yaml`, `numpy.array`, `.env`, but not an ellipsis or a missing blank after a full stop.
    if let Some((before, after)) = core.rsplit_once('.')
        && !after.is_empty()
        && after.len() <= 12
        && after.chars().all(|letter| letter.is_ascii_alphanumeric())
        && after.chars().any(|letter| letter.is_ascii_alphabetic())
        && !core.starts_with("..")
        && !(before.len() == 1
            || before
                .trim_start_matches(['$', '€', '£'])
                .chars()
                .all(|letter| letter.is_ascii_digit() || letter == '.'))
    {
        return after.chars().all(|letter| !letter.is_uppercase());
    }
    // `getUserName`, `parseConfig`: a capital inside a word that begins small.
    let mut letters = core.chars();
    letters.next().is_some_and(char::is_lowercase)
        && core.chars().all(char::is_alphanumeric)
        && core.chars().filter(|letter| letter.is_uppercase()).count() >= 1
        && core.len() > 6
}

/// `don't` → `do` `not`, `what's` → `what` (its `is` would be glue), `dog's` → `dog`.
pub(super) fn split_contraction(lower: &str) -> Vec<(String, &'static str)> {
    for (ending, rest) in
        [("n't", "not"), ("'re", "are"), ("'ve", "have"), ("'ll", "will"), ("'m", "am"), ("'d", "would")]
    {
        if let Some(stem) = lower.strip_suffix(ending).filter(|stem| !stem.is_empty()) {
            let stem = match (stem, ending) {
                ("ca", "n't") => "can",
                ("wo", "n't") => "will",
                ("sha", "n't") => "shall",
                _ => stem,
            };
            return vec![(stem.to_owned(), rest)];
        }
    }
    let stem = lower.strip_suffix("'s").or_else(|| lower.strip_suffix('\'')).unwrap_or(lower);
    vec![(stem.replace('\'', ""), "")]
}

/// The value of a Roman numeral: `World War II`, `Louis XIV`.
pub(super) fn roman(word: &str) -> Option<&'static str> {
    const ROMAN: &[(&str, &str)] = &[
        ("I", "1"),
        ("II", "2"),
        ("III", "3"),
        ("IV", "4"),
        ("VI", "6"),
        ("VII", "7"),
        ("VIII", "8"),
        ("IX", "9"),
        ("XI", "11"),
        ("XII", "12"),
        ("XIII", "13"),
        ("XIV", "14"),
        ("XV", "15"),
        ("XVI", "16"),
    ];
    ROMAN.iter().find(|(name, _)| *name == word).map(|(_, value)| *value)
}

/// Letters without their accents, as the embedding model reads them.
pub(super) fn plain(word: &str) -> String {
    if word.is_ascii() {
        return word.to_owned();
    }
    let mut found = String::with_capacity(word.len());
    for letter in word.chars() {
        match letter {
            'à'..='å' | 'ā' | 'ă' | 'ą' => found.push('a'),
            'ç' | 'ć' | 'č' => found.push('c'),
            'ď' | 'đ' => found.push('d'),
            'è'..='ë' | 'ē' | 'ė' | 'ę' | 'ě' => found.push('e'),
            'ğ' => found.push('g'),
            'ì'..='ï' | 'ī' | 'ı' => found.push('i'),
            'ł' | 'ľ' => found.push('l'),
            'ñ' | 'ń' | 'ň' => found.push('n'),
            'ò'..='ö' | 'ø' | 'ō' | 'ő' => found.push('o'),
            'ř' => found.push('r'),
            'ś' | 'š' | 'ş' | 'ș' => found.push('s'),
            'ť' | 'ț' => found.push('t'),
            'ù'..='ü' | 'ū' | 'ů' | 'ű' => found.push('u'),
            'ý' | 'ÿ' => found.push('y'),
            'ź' | 'ż' | 'ž' => found.push('z'),
            'æ' => found.push_str("ae"),
            'œ' => found.push_str("oe"),
            'ß' => found.push_str("ss"),
            'µ' => found.push('μ'),
            '\u{300}'..='\u{36f}' => {}
            letter => found.push(letter),
        }
    }
    found
}
