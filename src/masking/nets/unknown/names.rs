//! The names of tables and columns that tell what is in them, in small letters with `_` between words.

/// Columns that refer to somebody, alone or with one of [`REFERENCES`] behind them.
const PEOPLE: &[&str] = &[
    "user",
    "wp_user",
    "customer",
    "client",
    "member",
    "subscriber",
    "donor",
    "donator",
    "patient",
    "student",
    "learner",
    "pupil",
    "teacher",
    "attendee",
    "guest",
    "visitor",
    "contact",
    "lead",
    "recipient",
    "sender",
    "buyer",
    "seller",
    "payer",
    "employee",
    "person",
    "people",
    "applicant",
    "candidate",
    "participant",
    "volunteer",
    "tenant_user",
    "affiliate",
    "player",
    "driver",
    "passenger",
    "traveller",
    "traveler",
    "owner_user",
    "assignee",
    "requester",
    "reporter",
    "submitter",
    "respondent",
    "invitee",
    "inviter",
    "referrer_user",
    "commenter",
    "reviewer",
    "follower",
    "friend",
    "actor",
    "profile",
    "household",
    "kunde",
    "kunden",
    "benutzer",
    "nutzer",
    "mitglied",
    "patienten",
    "schueler",
    "gast",
    "empfaenger",
    "absender",
    "teilnehmer",
    "mitarbeiter",
    "usuario",
    "cliente",
    "miembro",
    "paciente",
    "alumno",
    "empleado",
    "contacto",
    "suscriptor",
    "utilisateur",
    "membre",
    "abonne",
    "eleve",
    "destinataire",
    "utente",
    "paziente",
    "studente",
    "dipendente",
    "contatto",
    "iscritto",
    "usuarios",
    "membro",
    "aluno",
    "funcionario",
    "contato",
    "klant",
    "gebruiker",
    "lid",
    "deelnemer",
    "uzytkownik",
    "klient",
    "uzivatel",
    "zakaznik",
    "anvandare",
    "kund",
    "bruger",
    "bruker",
    "kayttaja",
    "asiakas",
    "kullanici",
    "musteri",
];

/// What people do, and what therefore is about them.
const DEALINGS: &[&str] = &[
    "order",
    "order_item",
    "booking",
    "appointment",
    "reservation",
    "donation",
    "subscription",
    "invoice",
    "ticket",
    "thread",
    "conversation",
    "chat",
    "message",
    "cart",
    "basket",
    "checkout",
    "quote",
    "submission",
    "entry",
    "response",
    "answer",
    "comment",
    "review",
    "registration",
    "enrollment",
    "enrolment",
    "membership",
    "application",
    "visit",
    "session",
    "payment",
    "refund",
    "shipment",
    "delivery",
    "consent",
    "bestellung",
    "buchung",
    "termin",
    "rechnung",
    "anfrage",
    "nachricht",
    "pedido",
    "reserva",
    "factura",
    "commande",
    "facture",
    "ordine",
    "prenotazione",
    "fattura",
    "encomenda",
    "bestelling",
    "zamowienie",
];

/// Who wrote or keeps something: that alone makes a page or a product no secret of theirs.
const AUTHORS: &[&str] = &[
    "author",
    "post_author",
    "owner",
    "creator",
    "created_by",
    "updated_by",
    "modified_by",
    "changed_by",
    "edited_by",
    "deleted_by",
    "published_by",
    "approved_by",
    "uploaded_by",
    "uploader",
    "editor",
    "createdby",
    "updatedby",
    "autor",
    "auteur",
    "autore",
    "last_modified_by",
];

/// What stands behind such a word where its column is a reference.
const REFERENCES: &[&str] =
    &["", "id", "ids", "uuid", "guid", "pk", "fk", "ref", "no", "nr", "number", "key", "user", "user_id"];

/// Columns that content of a site or a shop has, and what people keep to themselves has not.
const CONTENT: &[&str] = &[
    "slug",
    "sku",
    "permalink",
    "handle",
    "ean",
    "gtin",
    "isbn",
    "price",
    "base_price",
    "unit_price",
    "regular_price",
    "url_path",
    "url_key",
    "seo_title",
    "seo_description",
    "meta_title",
    "meta_description",
    "meta_keywords",
    "published",
    "published_at",
    "is_published",
    "publish_date",
    "live",
    "template",
    "template_name",
    "locale",
    "lang",
    "language",
    "language_code",
    "search_description",
    "post_name",
];

/// Words behind a name whose values belong to a program.
const TECHNICAL: &[&str] = &[
    "status",
    "state",
    "type",
    "kind",
    "mode",
    "currency",
    "locale",
    "lang",
    "language",
    "timezone",
    "role",
    "roles",
    "code",
    "format",
    "version",
    "class",
    "handler",
    "method",
    "gateway",
    "action",
    "event",
    "hook",
    "theme",
    "template",
    "slug",
    "sku",
    "unit",
    "color",
    "colour",
    "level",
    "taxonomy",
    "country",
    "capability",
    "capabilities",
];

/// Tables of settings.
const SETTINGS: &[&str] = &[
    "option",
    "setting",
    "config",
    "configuration",
    "preference",
    "parameter",
    "sitemeta",
    "setup",
    "einstellung",
    "ajuste",
    "parametre",
    "impostazione",
    "configuracion",
    "configuracao",
    "instelling",
];

/// Columns that name what the row's value is, and those values.
const KEYS: &[&str] = &[
    "option_name",
    "meta_key",
    "name",
    "key",
    "field",
    "field_name",
    "field_key",
    "field_label",
    "field_slug",
    "label",
    "param",
    "setting",
    "setting_key",
    "setting_name",
    "config_key",
    "option_key",
    "property",
    "attribute",
    "code",
    "path",
    "var",
    "variable",
    "slug",
];
const VALUES: &[&str] = &[
    "option_value",
    "meta_value",
    "value",
    "val",
    "field_value",
    "setting_value",
    "config_value",
    "entry_value",
    "data_value",
    "answer",
];

/// Small letters, with `_` before each large one that follows a small one.
pub(super) fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut before = '_';
    for c in name.chars() {
        if c.is_uppercase() && (before.is_lowercase() || before.is_ascii_digit()) {
            snake.push('_');
        }
        snake.extend(if c.is_alphanumeric() { c } else { '_' }.to_lowercase());
        before = c;
    }
    snake
}

/// Whether a name ends with one of some words, or with one and a reference's behind it.
fn refers_to(name: &str, words: &[&str]) -> bool {
    REFERENCES.iter().any(|tail| {
        let stem = match *tail {
            "" => Some(name),
            tail => name.strip_suffix(tail).and_then(|stem| stem.strip_suffix('_')),
        };
        stem.is_some_and(|stem| ends_with(stem, words))
    })
}

fn ends_with(name: &str, words: &[&str]) -> bool {
    words.iter().any(|word| name.strip_suffix(word).is_some_and(|before| before.is_empty() || before.ends_with('_')))
}

/// Whether a column refers to somebody, or to what somebody did.
pub(super) fn is_of_people(column: &str) -> bool {
    refers_to(column, PEOPLE) || column.ends_with("id") && refers_to(column, DEALINGS)
}

/// Whether a column says who wrote the row.
pub(super) fn is_author(column: &str) -> bool {
    refers_to(column, AUTHORS)
}

/// Whether a column is one of content.
pub(super) fn is_of_content(column: &str) -> bool {
    CONTENT.contains(&column)
}

/// Whether what has this name is a program's word.
pub(super) fn is_technical(name: &str) -> bool {
    !name.is_empty() && ends_with(&snake(name), TECHNICAL)
}

/// Whether a table of this name has settings.
pub(super) fn is_settings(table: &str) -> bool {
    let singular = |word: &str| word.strip_suffix('s').unwrap_or(word).to_owned();
    table.rsplit('_').next().is_some_and(|last| SETTINGS.contains(&singular(last).as_str()))
}

/// The column that names the value of each row, if a table has one.
pub(super) fn key_column(columns: &[String]) -> Option<usize> {
    let has_value = columns.iter().any(|column| VALUES.contains(&column.as_str()));
    let key = KEYS.iter().find_map(|key| columns.iter().position(|column| column == key));
    key.filter(|_| has_value)
}
