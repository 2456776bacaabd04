//! Credentials in spellings that nobody listed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::masking::key::Key;
use crate::masking::nets::{Net, Nets};
use crate::masking::values::ValueMasker;

fn masked(net: Net, key: &str, value: &str) -> String {
    let nets = Nets::new(Key::random());
    let new = ValueMasker::of(net, &nets).masked(value.as_bytes(), key);
    new.map_or_else(|| value.to_owned(), |new| String::from_utf8(new).unwrap())
}

/// Names in which people write of what opens something; what stands there is made up, and no word.
const NAMES: &[&str] = &[
    // One word, in several spellings.
    "apiKey",
    "APIKey",
    "ApiSecret",
    "clientSecret",
    "client-secret",
    "Client Secret",
    "MerchantPassword",
    "SMTPPassword",
    "x-api-key",
    "apitoken",
    "authtoken",
    "accesstoken",
    "refreshtoken",
    "bearertoken",
    "bearer_token",
    "AccessKeyId",
    "accesskeyid",
    "aws_secret",
    "privatekey",
    "secretkey",
    "merchantkey",
    "userkey",
    "user_key",
    "saltkey",
    // What providers call it.
    "hmac",
    "hmacKey",
    "sharedSecret",
    "signatureKey",
    "signingSecret",
    "sha_in",
    "sha_out",
    "shaInPassphrase",
    "md5_hash_key",
    "integrationKey",
    "integration_key",
    "transaction_key",
    "terminal_key",
    "merchant_salt",
    "salt_index_key",
    "oauth_verifier",
    "auth",
    "psk",
    "vendor_password",
    "store_passwd",
    "storepass",
    "dbpass",
    "mailpass",
    "encpass",
    "userpass",
    "ftp_pw",
    "smtp_password_enc",
    "password1",
    "password_2",
    "keystore_password",
    // Licences.
    "license_code",
    "licence_no",
    "licenseKey",
    "serial",
    "serial_number",
    "activation",
    "purchase_code",
    "purchaseCode",
    "envato_purchase_code",
    "envato_token",
    // Other languages.
    "API-Schlüssel",
    "Schlüssel",
    "Geheimer Schlüssel",
    "Zugangsschlüssel",
    "Zugangsdaten",
    "Geheimnis",
    "SMTP-Passwort",
    "Kennwort",
    "Lizenzschlüssel",
    "Lizenz",
    "Zugriffstoken",
    "Clé API",
    "clé secrète",
    "Clé privée",
    "Jeton d'accès",
    "Mot de passe",
    "mot de passe SMTP",
    "Identifiants",
    "clé de licence",
    "clave secreta",
    "Clave API",
    "contraseña",
    "clave privada",
    "token de acceso",
    "Chiave API",
    "chiave segreta",
    "parola chiave",
    "Chave secreta",
    "chave de API",
    "senha",
    "Geheime sleutel",
    "API-sleutel",
    "wachtwoord",
    "Klucz API",
    "klucz prywatny",
    "hasło",
    "Hemlig nyckel",
    "lösenord",
    "API-nøgle",
    "adgangskode",
    "tajný klíč",
    "heslo",
    "секретный ключ",
    "ключ API",
    "пароль",
    "密钥",
    "私钥",
    "シークレットキー",
    "APIキー",
];

/// Values that say what they are, each with the part that opens something.
const TEXTS: &[(&str, &str)] = &[
    ("Bearer Zz9LiveZz9LiveZz9Live", "Zz9LiveZz9LiveZz9Live"),
    ("Authorization: Bearer Zz9LiveZz9LiveZz9Live", "Zz9LiveZz9LiveZz9Live"),
    ("Authorization: Basic c2hvcDpaejlMaXZlWno5TGl2ZQ==", "c2hvcDpaejlMaXZlWno5TGl2ZQ"),
    ("https://shop:Zz9Live3@api.example.com/v1", "Zz9Live3"),
    ("smtp://shop:Zz9Live3@smtp.example.com:587", "Zz9Live3"),
    ("redis://:Zz9Live3@cache.example.com:6379/0", "Zz9Live3"),
    ("https://hooks.slack.com/services/T00000001/B00000001/Zz9Live0000", "Zz9Live0000"),
    ("https://acme.webhook.office.com/webhookb2/zz9live0-aaaa-0000@zz9live/IncomingWebhook/0000", "zz9live0"),
    ("https://discord.com/api/webhooks/000000000000000001/Zz9Live0000", "Zz9Live0000"),
    ("https://hooks.zapier.com/hooks/catch/0000001/zz9live", "zz9live"),
    ("https://hook.eu1.make.com/zz9live0000invented0001", "zz9live0000"),
    ("https://hook.eu3.make.com/zz9live0000invented0001", "zz9live0000"),
    ("https://hook.us2.make.celonis.com/zz9live0000invented0001", "zz9live0000"),
    ("https://acme.app.n8n.cloud/webhook/zz9live0-dead-4e5d-abff-90865d1e13b1", "zz9live0"),
    ("https://chat.googleapis.com/v1/spaces/AAAA/messages?key=Zz9Live00000&token=Zz9Live1111", "Zz9Live1111"),
    ("https://api.example.com/hook?token=Zz9Live00000", "Zz9Live00000"),
    ("https://api.example.com/hook?auth=Zz9Live00000&x=1", "Zz9Live00000"),
    ("https://api.example.com/hook?sig=Zz9Live00000&x=1", "Zz9Live00000"),
    ("https://api.example.com/webhooks/zz9live0a1b2c3d4e5f60718/orders", "zz9live0a1b2c3d4e5f60718"),
    ("https://api.example.com/webhook/zz9live0-dead-4e5d-abff-90865d1e13b1", "zz9live0-dead"),
    ("-----BEGIN PRIVATE KEY-----\nZz9LiveZz9Live\n-----END PRIVATE KEY-----", "Zz9Live"),
    ("-----BEGIN RSA PRIVATE KEY-----\\nZz9LiveZz9Live\\n-----END RSA PRIVATE KEY-----", "Zz9Live"),
    ("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQZz9LiveZz9LiveZz9LiveZz9LiveZz9LiveZz9Live", "Zz9Live"),
    ("user=shop;password=Zz9Live4;host=a", "Zz9Live4"),
    ("login: shop\npassword: Zz9Live4\n", "Zz9Live4"),
    ("DEFAULT_KEY='Zz9LiveZz9LiveZz9Live'", "Zz9LiveZz9LiveZz9Live"),
    ("1//0gZz9LiveZz9LiveZz9Live", "Zz9Live"),
];

/// A text under a name in every form in which sites keep settings.
fn forms(name: &str, text: &str) -> Vec<(&'static str, String)> {
    let string = |text: &str| format!("s:{}:\"{text}\";", text.len());
    let json = serde_json::json!({"title": "Card", name: text}).to_string();
    let php = format!("a:2:{{{}{}{}i:3;}}", string(name), string(text), string("retries"));
    let accounts =
        serde_json::json!({"accounts": [{"label": "A", name: text}, {"label": "B", name: text}]}).to_string();
    vec![
        ("acme_data", string(&php)),
        ("acme_data", string(&json)),
        ("acme_data", STANDARD.encode(&json)),
        ("acme_data", STANDARD.encode(&php)),
        ("acme_data", php),
        ("acme_data", json),
        ("acme_data", accounts),
    ]
}

fn held(net: Net, key: &str, value: &str, text: &str) -> bool {
    let new = masked(net, key, value);
    let opened = |new: &str| STANDARD.decode(new).ok().and_then(|new| String::from_utf8(new).ok());
    new.contains(text) || opened(&new).is_some_and(|new| new.contains(text))
}

const NETS: [Net; 3] = [Net::Settings, Net::Close, Net::Search];

#[test]
fn what_opens_something_goes_whatever_its_field_is_called_in_whichever_language_and_form() {
    let text = "Zz9Live1";
    for name in NAMES {
        for net in NETS {
            assert!(!held(net, name, text, text), "{net:?} {name}");
            for (key, value) in forms(name, text) {
                assert!(!held(net, key, &value, text), "{net:?} {name}: {value}");
            }
        }
    }
}

#[test]
fn what_says_that_it_opens_something_goes_from_under_any_name() {
    for (value, text) in TEXTS {
        for net in NETS {
            assert!(!held(net, "acme_data", value, text), "{net:?} {value}");
            for (key, value) in forms("ziel", value) {
                assert!(!held(net, key, &value, text), "{net:?} {value}");
            }
        }
    }
}

#[test]
fn names_that_speak_of_keys_and_passwords_without_holding_one_keep_their_values() {
    for (name, value) in [
        ("field_key", "field_5f3a9b1c2d3e4"),
        ("password_reset_page", "page-id-2"),
        ("lost_password_endpoint", "lost-password"),
        ("token_algorithm", "hmac-sha256"),
        ("license_url", "https://example.com/licence-2024"),
        ("token_expires_at", "2024-05-06T10:11:12Z"),
        ("password_strength", "medium"),
        ("auth_method", "oauth2"),
        ("hockey", "team1a2b3c"),
        ("signature_image", "signature1b2c.png"),
        ("keyword", "abc123def456"),
    ] {
        for net in NETS {
            assert_eq!(masked(net, name, value), value, "{net:?} {name}");
        }
    }
}
