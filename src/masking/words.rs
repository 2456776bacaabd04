//! The words that strangers are made of: none is anybody's, and each name word serves before or after another.

/// Words that are given and family names alike, since a full name cannot be told apart into the two.
#[rustfmt::skip]
pub(super) const NAMES: &[&str] = &[
    "Abbott", "Addis", "Ainsley", "Alden", "Alder", "Amery", "Anders", "Arden", "Arlo", "Ashby", "Ashton", "Aubrey",
    "Averill", "Avery", "Bailey", "Barlow", "Beckett", "Bellamy", "Bennett", "Berkeley", "Bevan", "Birch", "Blaine",
    "Blair", "Blythe", "Bowen", "Bradley", "Bramwell", "Brennan", "Briar", "Brodie", "Bryce", "Byron", "Callan",
    "Camden", "Cameron", "Campbell", "Carey", "Carlin", "Carson", "Carter", "Cassidy", "Cedar", "Chandler", "Clancy",
    "Clement", "Colby", "Collins", "Connor", "Corbin", "Cullen", "Curtis", "Dale", "Dallas", "Dalton", "Darby", "Darcy",
    "Dawson", "Delaney", "Dennis", "Devlin", "Drew", "Dylan", "Easton", "Eden", "Ellery", "Elliot", "Ellis", "Ember",
    "Emerson", "Emery", "Ennis", "Everett", "Ewan", "Fallon", "Farrell", "Fenton", "Finley", "Fisher", "Flynn",
    "Forrest", "Foster", "Francis", "Frankie", "Freeman", "Gale", "Garland", "Garner", "Glenn", "Gordon", "Graham",
    "Grant", "Gray", "Greer", "Grover", "Hadley", "Halsey", "Harley", "Harper", "Harris", "Haven", "Hayden", "Hayes",
    "Henley", "Hollis", "Hudson", "Hunter", "Ingram", "Innes", "Ives", "Jackson", "Jamison", "Jarvis", "Jensen",
    "Jordan", "Joyce", "Jules", "Keane", "Keaton", "Keegan", "Kelly", "Kelsey", "Kendall", "Kennedy", "Kerry",
    "Kimball", "Kingsley", "Kinsey", "Kirby", "Kyle", "Landry", "Lane", "Larkin", "Laurel", "Lawson", "Leigh", "Lennox",
    "Leslie", "Lincoln", "Linden", "Lindsay", "Logan", "Lowell", "Lyle", "Lynn", "Mackenzie", "Madison", "Mallory",
    "Marley", "Marlow", "Mason", "Maxwell", "Mercer", "Merrill", "Merritt", "Monroe", "Morgan", "Murphy", "Neville",
    "Nevin", "Noble", "Nolan", "Norris", "Oakley", "Odell", "Ogden", "Orson", "Palmer", "Parker", "Parry", "Paxton",
    "Perry", "Peyton", "Phelan", "Piper", "Porter", "Presley", "Quincy", "Quinn", "Rafferty", "Ramsey", "Randall",
    "Reagan", "Reed", "Reese", "Regan", "Reilly", "Remy", "Rhodes", "Riley", "River", "Robin", "Roscoe", "Rowan",
    "Royce", "Russell", "Ryan", "Sage", "Sawyer", "Schuyler", "Selby", "Shannon", "Shea", "Shelby", "Sheridan",
    "Sidney", "Skyler", "Sloane", "Spencer", "Stacy", "Sterling", "Stevie", "Stuart", "Sutton", "Tanner", "Tatum",
    "Taylor", "Temple", "Terry", "Thorne", "Tierney", "Tobin", "Torrey", "Tracy", "Travis", "Tristan", "Tyler",
    "Tyndall", "Umber", "Vaughn", "Vernon", "Wallace", "Walker", "Warner", "Weldon", "Wells", "Wesley", "Whitney",
    "Wilder", "Willis", "Winslow", "Winter", "Wren", "Wyatt", "Wynn", "Yates", "York", "Zion",
];

/// What a street is called after its name.
pub(super) const STREETS: &[&str] = &["Street", "Lane", "Avenue", "Close", "Drive", "Grove", "Mews", "Terrace"];

/// Cities that are on no map of ours.
#[rustfmt::skip]
pub(super) const CITIES: &[&str] = &[
    "Alderbrook", "Ashmere", "Barrowfield", "Birchhaven", "Brackenridge", "Bramford", "Brightwater", "Brookmere",
    "Cedarholm", "Cliffhaven", "Coldspring", "Copperfield", "Cranmoor", "Dovecote", "Easthollow", "Elderglen",
    "Elmstead", "Fairmoor", "Fernhill", "Foxmere", "Glenhaven", "Goldcrest", "Greystone", "Harrowgate", "Hawthorn",
    "Heathermoor", "Highmeadow", "Ivybridge", "Juniper Hill", "Kingsmere", "Lakemoor", "Larkhill", "Lindenau",
    "Longbarrow", "Maplewood", "Marshfield", "Millbrook", "Mistvale", "Mossley", "Northwick", "Oakhaven", "Oldbridge",
    "Otterford", "Pinecrest", "Ravensmoor", "Redwater", "Ridgemont", "Rosefield", "Rushmere", "Saltmarsh", "Silverdale",
    "Springmoor", "Stonebridge", "Summerhill", "Swanmere", "Thornbury", "Underhill", "Valebrook", "Westering",
    "Whitecliff", "Willowdale", "Windmere", "Woodhaven", "Wrenfield",
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_word_is_short_and_plain_and_stands_once() {
        for list in [NAMES, STREETS, CITIES] {
            assert_eq!(list.iter().collect::<HashSet<_>>().len(), list.len());
            assert!(
                list.iter().all(|word| word.len() <= 14 && word.chars().all(|c| c.is_ascii_alphabetic() || c == ' '))
            );
        }
        assert!(NAMES.len() >= 200);
    }
}
